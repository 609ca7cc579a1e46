import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createIdentity } from "../../src/certificates/identity.ts";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";

describe("createIdentity", () => {
  test("adds a newline at the end of the PEM", async () => {
    const { certificate, key } = await createSelfSignedCertificate();
    const identity = createIdentity(certificate.trimEnd(), key.trimEnd());
    expect(identity).toMatchObject({ certificate, key });
    expect(certificate.endsWith("-----END CERTIFICATE-----\n")).toBe(true);
  });

  test.each(["ec", "rsa", "ed25519"] as const)("has the %s key of the certificate as PKCS#8", async (keyType) => {
    const { certificate, key } = await createSelfSignedCertificate({ keyType });
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true);
  });

  test("computes the thumbprint from the DER of the certificate", async () => {
    const { certificate, der, thumbprint } = await createSelfSignedCertificate();
    const base64 = certificate.split("\n").slice(1, -2).join("");
    expect(Buffer.from(der).toString("base64")).toBe(base64);
    expect(thumbprint).toBe(createHash("sha256").update(der).digest("base64url"));
  });
});
