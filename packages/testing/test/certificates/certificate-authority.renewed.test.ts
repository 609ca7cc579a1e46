import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
} from "../../src/certificates/certificate-authority.ts";
import type { CertificateOptions } from "../../src/certificates/certificate-options.ts";
import type { Identity } from "../../src/certificates/identity.ts";
import { mtlsRequest } from "../../src/requests/mtls-request.ts";
import { startEchoServer } from "../echo-server.ts";

const authorities = {
  ec: await createCertificateAuthority(),
  rsa: await createCertificateAuthority({ keyType: "rsa" }),
};
const names = { commonName: "client-7", subjectAlternativeNames: ["URI:spiffe://a/b", "IP:::1"] };

const issuers: readonly (readonly [string, (options?: CertificateOptions) => Promise<Identity>])[] = [
  ["an EC CA", authorities.ec.issueClientCertificate],
  ["an RSA CA", authorities.rsa.issueClientCertificate],
  ["no CA (self-signed)", createSelfSignedCertificate],
];
// Generating RSA keys is slow.
const keyTypes = ["ec", "ed25519"] as const;
const cases = [
  ...issuers.flatMap(([issuer, issue]) => keyTypes.map((keyType) => ({ issuer, issue, keyType }))),
  { issuer: "no CA (self-signed)", issue: createSelfSignedCertificate, keyType: "rsa" as const },
];

describe.each(cases)("a renewed certificate of the type $keyType from $issuer", ({ issue, keyType }) => {
  test("has the same key and names, but a different serial number and thumbprint", async () => {
    const first = await issue({ keyType, ...names });
    const second = await issue({ renews: first });
    expect(second.key).toBe(first.key);
    expect(second.thumbprint).not.toBe(first.thumbprint);
    const [before, after] = [new X509Certificate(first.der), new X509Certificate(second.der)];
    expect(after.publicKey.equals(before.publicKey)).toBe(true);
    expect(after.checkPrivateKey(createPrivateKey(second.key))).toBe(true);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect([after.subject, after.subjectAltName]).toEqual([before.subject, before.subjectAltName]);
  });
});

describe("the option renews", () => {
  test("issues a certificate that a server accepts if it trusts the CA", async () => {
    const renewed = await authorities.ec.issueClientCertificate({
      renews: await authorities.ec.issueClientCertificate(),
    });
    const { ca, url } = await startEchoServer({ ca: authorities.ec.certificate });
    const response = await mtlsRequest(url, { ca: ca.certificate, identity: renewed });
    expect(response.json()).toMatchObject({ authorized: true, thumbprint: renewed.thumbprint });
  });

  test("uses the names and dates of the other options", async () => {
    const first = await createSelfSignedCertificate(names);
    const notAfter = new Date("2031-01-01T00:00:00Z");
    const second = await createSelfSignedCertificate({ renews: first, commonName: "b", notAfter });
    const { subject, validTo } = new X509Certificate(second.der);
    expect({ subject, validTo }).toEqual({ subject: "CN=b", validTo: "Jan  1 00:00:00 2031 GMT" });
  });

  test("issues a certificate with a different thumbprint each time", async () => {
    const first = await createSelfSignedCertificate();
    const renewed = await Promise.all([1, 2].map(() => createSelfSignedCertificate({ renews: first })));
    expect(new Set([first, ...renewed].map(({ thumbprint }) => thumbprint)).size).toBe(3);
  });

  test("cannot be combined with a key type", async () => {
    const renews = await createSelfSignedCertificate();
    await expect(createSelfSignedCertificate({ renews, keyType: "ec" })).rejects.toThrow(TypeError);
  });
});
