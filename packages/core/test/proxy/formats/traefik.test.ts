import { describe, expect, test } from "vitest";
import { traefik } from "../../../src/proxy/formats/traefik.ts";
import { verdict } from "../../support/forwarding.ts";
import { certificates } from "../../vectors/proxies/fixtures.ts";

const MALFORMED = "ERR_CERTIFICATE_MALFORMED";
const { chain, int: intermediate, rsa2048 } = certificates;

function read(value: string): string {
  return verdict(traefik(), ["X-Forwarded-Tls-Client-Cert", value]);
}

describe("traefik", () => {
  test.each([
    ["one certificate", rsa2048.der, rsa2048.thumbprint],
    ["one as versions up to 2.9.1 write it", encodeURIComponent(rsa2048.der), rsa2048.thumbprint],
    ["a chain", `${chain.der},${intermediate.der}`, chain.thumbprint],
    [
      "a chain as versions up to 2.9.1 write it",
      `${encodeURIComponent(chain.der)},${encodeURIComponent(intermediate.der)}`,
      chain.thumbprint,
    ],
  ])("reads %s", (_, value, thumbprint) => {
    expect(read(value)).toBe(thumbprint);
  });

  test.each([
    ["encoded twice", encodeURIComponent(encodeURIComponent(rsa2048.der))],
    ["encoded in part", encodeURIComponent(rsa2048.der).replace("%2F", "/")],
    ["encoded in lower case", encodeURIComponent(rsa2048.der).toLowerCase()],
    ["with encoded letters", encodeURIComponent(rsa2048.der).replace("M", "%4D")],
    ["with an encoded comma", `${encodeURIComponent(chain.der)}%2C${encodeURIComponent(intermediate.der)}`],
    ["with an escape cut short", `${encodeURIComponent(rsa2048.der)}%3`],
    ["with blanks for plus signs", rsa2048.der.replaceAll("+", " ")],
    ["in PEM", `-----BEGIN CERTIFICATE----- ${rsa2048.der} -----END CERTIFICATE-----`],
    ["before garbage", `${chain.der},SPOOFED`],
    ["before a comma", `${chain.der},`],
  ])("rejects a certificate %s", (_, value) => {
    expect(read(value)).toBe(MALFORMED);
  });
});
