import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../src/certificates/certificate-authority.ts";
import type { CertificateOptions } from "../../src/certificates/certificate-options.ts";
import { mtlsRequest } from "../../src/requests/mtls-request.ts";
import { type Echo, echoCa, startEchoServer } from "../echo-server.ts";

const authorityKeyTypes = ["ec", "rsa"] as const;
const keyTypes = ["ec", "rsa", "ed25519"] as const;
const pairs = authorityKeyTypes.flatMap((authority) => keyTypes.map((leaf) => ({ authority, leaf })));
// generating RSA keys is slow, so the tests share CAs and clients
const authorities = { ec: echoCa, rsa: await createCertificateAuthority({ keyType: "rsa" }) };
const clients = { ec: await issueClients(authorities.ec), rsa: await issueClients(authorities.rsa) };
const publicKeyTypes = { ec: "ec", rsa: "rsa", ed25519: "ed25519" };

/** Issues a client certificate for each key type. */
async function issueClients({ issueClientCertificate }: CertificateAuthority) {
  return {
    ec: await issueClientCertificate({ keyType: "ec" }),
    rsa: await issueClientCertificate({ keyType: "rsa" }),
    ed25519: await issueClientCertificate({ keyType: "ed25519" }),
  };
}

/** Sends a request with a certificate that has these options, and returns what the server received. */
async function requestWith(options: CertificateOptions): Promise<Echo> {
  const { ca, url } = await startEchoServer();
  const identity = await ca.issueClientCertificate(options);
  const response = await mtlsRequest(url, { ca: ca.certificate, identity });
  return response.json() as Echo;
}

describe.each(pairs)("the $leaf certificate of an $authority CA", ({ authority, leaf }) => {
  const root = authorities[authority];
  const client = clients[authority][leaf];

  test("is signed by the CA and has a key of that type", () => {
    const issued = new X509Certificate(client.certificate);
    expect(issued.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
    expect(issued.publicKey.asymmetricKeyType).toBe(publicKeyTypes[leaf]);
  });

  test("is accepted by a TLS server as a client certificate", async () => {
    const { ca, url } = await startEchoServer({ ca: root.certificate });
    const response = await mtlsRequest(url, { ca: ca.certificate, identity: client });
    expect(response.json()).toMatchObject({ authorized: true, thumbprint: client.thumbprint });
  });

  test("is accepted by a TLS client as a server certificate", async () => {
    const identity = await root.issueServerCertificate({ keyType: leaf });
    const { url } = await startEchoServer({ cert: identity.certificate, key: identity.key });
    const response = await mtlsRequest(url, { ca: root.certificate });
    expect(response.status).toBe(200);
  });
});

describe("a client certificate", () => {
  test("is authorized by default", async () => {
    expect(await requestWith({})).toMatchObject({ authorized: true, authorizationError: null });
  });

  test.each(keyTypes)("of type %s is rejected after notAfter", async (keyType) => {
    const seen = await requestWith({ renews: clients.ec[keyType], notAfter: new Date(Date.now() - 60_000) });
    expect(seen).toMatchObject({ authorized: false, authorizationError: "CERT_HAS_EXPIRED" });
  });

  test("is rejected if it was issued with expired: true", async () => {
    const seen = await requestWith({ expired: true });
    expect(seen).toMatchObject({ authorized: false, authorizationError: "CERT_HAS_EXPIRED" });
  });

  test.each(keyTypes)("of type %s is rejected before notBefore", async (keyType) => {
    const seen = await requestWith({ renews: clients.ec[keyType], notBefore: new Date(Date.now() + 60_000) });
    expect(seen).toMatchObject({ authorized: false, authorizationError: "CERT_NOT_YET_VALID" });
  });

  test("is rejected by a server that trusts another CA with the same name", async () => {
    const { url, ca } = await startEchoServer();
    const { commonName } = { commonName: new X509Certificate(ca.certificate).subject.replace("CN=", "") };
    const impostor = await createCertificateAuthority({ commonName });
    const identity = await impostor.issueClientCertificate();
    const response = await mtlsRequest(url, { ca: ca.certificate, identity });
    expect(response.json()).toMatchObject({ authorized: false, authorizationError: "CERT_SIGNATURE_FAILURE" });
  });

  test("has the extended key usage clientAuth only", async () => {
    const ca = await createCertificateAuthority();
    const { der } = await ca.issueClientCertificate();
    expect(new X509Certificate(der).keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });

  test.each(keyTypes)("of type %s has the requested subject alternative names", async (keyType) => {
    const ca = await createCertificateAuthority();
    const { der } = await ca.issueClientCertificate({
      renews: clients.ec[keyType],
      subjectAlternativeNames: [
        "DNS:client.example",
        "IP:10.0.0.1",
        "IP:::1",
        "URI:spiffe://a/b",
        "email:a@example.com",
      ],
    });
    expect(new X509Certificate(der).subjectAltName).toBe(
      "DNS:client.example, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://a/b, email:a@example.com",
    );
  });

  test.each(["a, CN=b", "a+b", "#0a", '"quoted"', "back\\slash", " spaces ", "Zoë 名"])(
    "uses the common name %j literally",
    async (commonName) => {
      const ca = await createCertificateAuthority({ commonName });
      const { der } = await ca.issueClientCertificate({ commonName });
      const issued = new X509Certificate(der).toLegacyObject();
      expect({ ...issued.subject }).toEqual({ CN: commonName });
      expect(new X509Certificate(der).checkIssued(new X509Certificate(ca.certificate))).toBe(true);
    },
  );
});

describe("a server certificate", () => {
  test("has the names of the local host by default", async () => {
    const ca = await createCertificateAuthority();
    const { der } = await ca.issueServerCertificate();
    expect(new X509Certificate(der).subjectAltName).toBe(
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
  });

  test("has the extended key usage serverAuth only", async () => {
    const ca = await createCertificateAuthority();
    const { der } = await ca.issueServerCertificate();
    expect(new X509Certificate(der).keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  });
});

describe("an intermediate CA", () => {
  test("issues client certificates with a chain, which a server accepts if it trusts the root", async () => {
    const { ca, url } = await startEchoServer();
    const identity = await (await (await ca.issueIntermediate()).issueIntermediate()).issueClientCertificate();
    const accepted = await mtlsRequest(url, { ca: ca.certificate, identity });
    expect(accepted.json()).toMatchObject({ authorized: true, thumbprint: identity.thumbprint });
    const rejected = await mtlsRequest(url, { ca: ca.certificate, identity: { ...identity, chain: "" } });
    expect(rejected.json()).toMatchObject({ authorized: false, thumbprint: identity.thumbprint });
  });

  test.each([
    ["ec", "rsa"],
    ["rsa", "ec"],
  ] as const)("of type %s can be issued by a root of type %s", async (keyType, rootKeyType) => {
    const root = authorities[rootKeyType];
    const intermediate = await root.issueIntermediate({ keyType, commonName: "Intermediate" });
    const issued = new X509Certificate(intermediate.certificate);
    expect(issued).toMatchObject({ ca: true, subject: "CN=Intermediate" });
    expect(issued.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
    const { certificate } = await intermediate.issueClientCertificate();
    expect(new X509Certificate(certificate).verify(issued.publicKey)).toBe(true);
  });

  test("issues certificates with a chain, unlike the root", async () => {
    const root = await createCertificateAuthority();
    const [first, second] = [await root.issueIntermediate(), await root.issueIntermediate()];
    const nested = await first.issueIntermediate();
    expect(await root.issueServerCertificate()).not.toHaveProperty("chain");
    expect(await second.issueServerCertificate()).toMatchObject({ chain: second.certificate });
    expect(await nested.issueServerCertificate()).toMatchObject({ chain: nested.certificate + first.certificate });
  });
});

describe("createCertificateAuthority", () => {
  test("creates a CA certificate", async () => {
    const { certificate } = await createCertificateAuthority({ commonName: "Root" });
    expect(new X509Certificate(certificate)).toMatchObject({ ca: true, subject: "CN=Root", issuer: "CN=Root" });
  });

  test("returns PEM that can be concatenated", async () => {
    const { certificate } = await createCertificateAuthority();
    expect(certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----\n$/);
  });

  test.each([{ keyType: "ed25519" }, { keyType: "EC" }, { keytype: "rsa" }, { commonName: "" }])(
    "rejects %j",
    async (options) => {
      await expect(createCertificateAuthority(options as object)).rejects.toThrow(TypeError);
    },
  );
});
