import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../../src/certificates/identity.ts";
import { mtlsRequest } from "../../src/requests/mtls-request.ts";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";
import { startEchoServer } from "../echo-server.ts";

describe.each(["ec", "rsa", "ed25519"] as const)("a self-signed %s certificate", (keyType) => {
  let identity: Identity;
  beforeAll(async () => {
    identity = await createSelfSignedCertificate({ keyType });
  });

  test("is signed with the certificate's key", () => {
    const certificate = new X509Certificate(identity.der);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyType).toBe(keyType);
  });

  test("is presented to a server that does not trust it", async () => {
    const { ca, url } = await startEchoServer();
    const response = await mtlsRequest(url, { ca: ca.certificate, identity });
    expect(response.json()).toMatchObject({
      thumbprint: identity.thumbprint,
      authorizationError: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
  });

  test("is accepted by a server that trusts it", async () => {
    const { ca, url } = await startEchoServer({ ca: identity.certificate });
    const response = await mtlsRequest(url, { ca: ca.certificate, identity });
    expect(response.json()).toMatchObject({ authorized: true });
  });
});

describe("createSelfSignedCertificate", () => {
  test("generates a different key each time", async () => {
    const [one, other] = await Promise.all([createSelfSignedCertificate(), createSelfSignedCertificate()]);
    expect(one.thumbprint).not.toBe(other.thumbprint);
  });

  test.each([{ keyType: "ed448" }, { keyType: "dsa" }, { sans: [] }])("rejects %j", async (options) => {
    await expect(createSelfSignedCertificate(options as object)).rejects.toThrow(TypeError);
  });
});
