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
    ["one certificate in the form of versions up to 2.9.1", encodeURIComponent(rsa2048.der), rsa2048.thumbprint],
    ["a chain", `${chain.der},${intermediate.der}`, chain.thumbprint],
    [
      "a chain in the form of versions up to 2.9.1",
      `${encodeURIComponent(chain.der)},${encodeURIComponent(intermediate.der)}`,
      chain.thumbprint,
    ],
  ])("reads %s", (_, value, thumbprint) => {
    expect(read(value)).toBe(thumbprint);
  });

  test.each([
    ["that is encoded twice", encodeURIComponent(encodeURIComponent(rsa2048.der))],
    ["that is encoded in part", encodeURIComponent(rsa2048.der).replace("%2F", "/")],
    ["that is encoded in lower case", encodeURIComponent(rsa2048.der).toLowerCase()],
    ["with encoded letters", encodeURIComponent(rsa2048.der).replace("M", "%4D")],
    ["with an encoded comma", `${encodeURIComponent(chain.der)}%2C${encodeURIComponent(intermediate.der)}`],
    ["with a truncated escape", `${encodeURIComponent(rsa2048.der)}%3`],
    ["with blanks for plus signs", rsa2048.der.replaceAll("+", " ")],
    ["in PEM", `-----BEGIN CERTIFICATE----- ${rsa2048.der} -----END CERTIFICATE-----`],
    ["that is followed by garbage", `${chain.der},SPOOFED`],
    ["that is followed by a comma", `${chain.der},`],
  ])("rejects a certificate %s", (_, value) => {
    expect(read(value)).toBe(MALFORMED);
  });
});
