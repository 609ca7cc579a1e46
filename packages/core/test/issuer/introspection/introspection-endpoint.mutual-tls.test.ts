import { createCertificateAuthority, createSelfSignedCertificate, type Identity } from "@certbound/testing";
import { Agent, fetch as undiciFetch } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import type { IntrospectionOptions } from "../../../src/options/introspection-configuration.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { secret } from "../../support/introspection-endpoint.ts";
import { clients, startGuardedEndpoint } from "../../support/guarded-endpoint.ts";
import { type Outcome, outcomeOf } from "../../support/outcome.ts";
import { client } from "../../support/verification.ts";

/** The certificates of the API: one that the issuer trusts, and others. */
const api = await clients.issueClientCertificate();
const stranger = await (await createCertificateAuthority()).issueClientCertificate();
const selfSigned = await createSelfSignedCertificate();

/** The introspection response for a token of the test's client. */
const good = { active: true, cnf: { "x5t#S256": client.thumbprint } };

/** Verifies a token with the given introspection options. */
function verify(introspection: Omit<IntrospectionOptions, "clientId">, fetch?: typeof globalThis.fetch) {
  const options = { clientId: "api", ...introspection };
  const verifier = createVerifier({ issuer: "https://as.example", audience: null, introspection: options, fetch });
  return outcomeOf(verifier.verify("token", { clientCertificate: client.certificate }));
}

/** Creates a custom fetch, with or without a client certificate. */
function fetchWith(ca: string, identity?: Identity): typeof fetch {
  const dispatcher = new Agent({ connect: { ca, ...(identity && { cert: identity.certificate, key: identity.key }) } });
  onTestFinished(() => dispatcher.close());
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
}

function tlsOf({ certificate: cert, key }: Identity, ca: string) {
  return { clientTls: { cert, key, ca } };
}

describe("clientTls", () => {
  test("presents the certificate to the issuer", async () => {
    const { url: endpoint, ca, thumbprints } = await startGuardedEndpoint(good);
    expect(await verify({ endpoint, ...tlsOf(api, ca) })).toBe<Outcome>("accepted");
    expect(thumbprints).toEqual([api.thumbprint]);
  });

  test("causes ERR_INTROSPECTION_UNAVAILABLE if the issuer does not trust the certificate", async () => {
    const { url: endpoint, ca, thumbprints } = await startGuardedEndpoint(good);
    expect(await verify({ endpoint, ...tlsOf(stranger, ca) })).toBe<Outcome>("ERR_INTROSPECTION_UNAVAILABLE");
    expect(thumbprints).toEqual([]);
  });

  test("can present a self-signed certificate that the issuer trusts (RFC 8705 section 2.2)", async () => {
    const { url: endpoint, ca, thumbprints } = await startGuardedEndpoint(good, selfSigned.certificate);
    const clientAuthentication = "self_signed_tls_client_auth";
    const [own, other] = [tlsOf(selfSigned, ca), tlsOf(api, ca)];
    expect(await verify({ endpoint, clientAuthentication, ...own })).toBe<Outcome>("accepted");
    expect(await verify({ endpoint, clientAuthentication, ...other })).toBe<Outcome>("ERR_INTROSPECTION_UNAVAILABLE");
    expect(thumbprints).toEqual([selfSigned.thumbprint]);
  });

  test("does not send a request to a server that its CA has not certified", async () => {
    const { url: endpoint, thumbprints } = await startGuardedEndpoint(good);
    const { clientTls } = tlsOf(api, clients.certificate);
    expect(await verify({ endpoint, clientTls })).toBe<Outcome>("ERR_INTROSPECTION_UNAVAILABLE");
    const byDefault = { cert: clientTls.cert, key: clientTls.key };
    expect(await verify({ endpoint, clientTls: byDefault })).toBe<Outcome>("ERR_INTROSPECTION_UNAVAILABLE");
    expect(thumbprints).toEqual([]);
  });

  test("works after the application has wiped the key that it passed", async () => {
    const { url: endpoint, ca, thumbprints } = await startGuardedEndpoint(good);
    const clientTls = { cert: Buffer.from(api.certificate), key: Buffer.from(api.key), ca: Buffer.from(ca) };
    const introspection = { clientId: "api", endpoint, clientTls };
    const verifier = createVerifier({ issuer: "https://as.example", audience: null, introspection });
    for (const part of Object.values(clientTls)) part.fill(0);
    await verifier.verify("token", { clientCertificate: client.certificate });
    expect(thumbprints).toEqual([api.thumbprint]);
  });
});

describe("an issuer that requests a certificate", () => {
  test("does not accept a client with a secret only", async () => {
    const { url: endpoint, ca, thumbprints } = await startGuardedEndpoint(good);
    const { clientSecret } = secret;
    expect(await verify({ endpoint, clientSecret }, fetchWith(ca))).toBe<Outcome>("ERR_INTROSPECTION_UNAVAILABLE");
    expect(thumbprints).toEqual([]);
  });

  test.each(["tls_client_auth", "self_signed_tls_client_auth"] as const)(
    "accepts a custom fetch that presents the certificate, with %s",
    async (clientAuthentication) => {
      const { url: endpoint, ca, thumbprints } = await startGuardedEndpoint(good);
      const outcomes = [fetchWith(ca, api), fetchWith(ca, stranger), fetchWith(ca), fetch].map((customFetch) =>
        verify({ endpoint, clientAuthentication }, customFetch),
      );
      const rejected = "ERR_INTROSPECTION_UNAVAILABLE";
      expect(await Promise.all(outcomes)).toEqual(["accepted", rejected, rejected, rejected]);
      expect(thumbprints).toEqual([api.thumbprint]);
    },
  );
});
