import { expect } from "vitest";
import { outcomeOf, verifierOf, verifyAs } from "../../verification.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { documents, json, startIssuerEndpoint } from "../../issuer-endpoint.ts";
import { AUDIENCE, type Scene } from "../../scene.ts";

const introspecting: Api = {
  verifier: ({ remote }) => ({ issuer: remote.issuer, jwks: undefined, introspection: remote.introspectionClient }),
};

/** Returns an opaque token with these members in its introspection response, which is valid otherwise. */
function introspectedAs(members: (scene: Scene) => object): Attempt {
  return {
    async token(scene) {
      const { remote } = scene;
      const token = await remote.opaqueToken();
      remote.introspectAs(token, { active: true, iss: remote.issuer, aud: AUDIENCE, ...members(scene) });
      return token;
    },
  };
}

const confirmed = introspectedAs(({ own }) => ({ cnf: { "x5t#S256": own.thumbprint } }));

/** Starts an endpoint that requires the client certificate of the scene, and one that does not. */
async function startIntrospection({ ca, own }: Scene) {
  const { certificate: cert, key } = await ca.issueServerCertificate();
  const active = json({ active: true, aud: AUDIENCE, cnf: { "x5t#S256": own.thumbprint } });
  const mutual = { cert, key, ca: ca.certificate, requestCert: true, rejectUnauthorized: true };
  const guarded = await startIssuerEndpoint(active, mutual);
  const plain = await startIssuerEndpoint(active);
  return { guarded, plain, clientTls: { cert: own.certificate, key: own.key, ca: ca.certificate } };
}

export const cases: readonly ConformanceCase[] = [
  rejects("8705-08", "an opaque token that is bound to another certificate, according to the issuer", {
    api: introspecting,
    accepted: confirmed,
    rejected: introspectedAs(({ other }) => ({ cnf: { "x5t#S256": other.thumbprint } })),
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("8705-08", "a bound opaque token with another certificate", {
    api: introspecting,
    accepted: confirmed,
    rejected: { ...confirmed, certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("8705-08", "a bound opaque token without a certificate", {
    api: introspecting,
    accepted: confirmed,
    rejected: { ...confirmed, certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  rejects("8705-08", "an opaque token whose cnf is nested in the introspection response", {
    api: introspecting,
    accepted: introspectedAs(({ own }) => ({ cnf: { "x5t#S256": own.thumbprint }, ext: {} })),
    rejected: introspectedAs(({ own }) => ({ ext: { cnf: { "x5t#S256": own.thumbprint } } })),
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("8705-08", "a JWT whose introspection response has another binding than the JWT", {
    api: {
      verifier: ({ remote }) => ({
        issuer: remote.issuer,
        jwks: undefined,
        introspection: { ...remote.introspectionClient, always: true },
      }),
    },
    accepted: { token: ({ remote, own }) => remote.accessToken({ boundTo: own }) },
    rejected: {
      async token({ remote, own, other }) {
        const token = await remote.accessToken({ boundTo: own });
        remote.introspectAs(token, { active: true, cnf: { "x5t#S256": other.thumbprint } });
        return token;
      },
    },
    code: "ERR_BINDING_MISMATCH",
  }),
  conforms(
    "8705-10",
    "introspects over mutual TLS at the alias in the metadata, and otherwise at the endpoint",
    async ({ scene }) => {
      const { guarded, plain, clientTls } = await startIntrospection(scene);
      const issuer = await startIssuerEndpoint(documents({}));
      const publish = (aliases: object): void => {
        const metadata = { issuer: issuer.url, introspection_endpoint: plain.url, mtls_endpoint_aliases: aliases };
        issuer.respondWith(documents({ "/.well-known/oauth-authorization-server": metadata }));
      };
      const introspect = async (aliases: object, credentials: object) => {
        publish(aliases);
        const introspection = { clientId: "api", ...credentials };
        const verifier = verifierOf({ issuer: issuer.url, jwks: scene.jwks, introspection });
        const [before, beforePlain] = [guarded.requests.length, plain.requests.length];
        const outcome = await verifyAs(scene.own, verifier, "opaque");
        return { outcome, guarded: guarded.requests.length - before, plain: plain.requests.length - beforePlain };
      };
      const alias = { introspection_endpoint: `${guarded.url}/introspect` };
      const secret = { clientSecret: "a secret" };
      expect(await introspect(alias, { clientTls })).toEqual({ outcome: "accepted", guarded: 1, plain: 0 });
      expect(await introspect(alias, secret)).toEqual({ outcome: "accepted", guarded: 0, plain: 1 });
      // Aliases that are not endpoints are ignored (RFC 8705 section 5), and no request is sent without TLS.
      const unavailable = { outcome: "ERR_INTROSPECTION_UNAVAILABLE", guarded: 0, plain: 0 };
      expect(await introspect({ introspection_endpoint: plain.url }, { clientTls })).toEqual(unavailable);
      const others = { token_endpoint: `${guarded.url}/token`, issuer: guarded.url, unknown: [] };
      const presenting = { clientAuthentication: "tls_client_auth", clientTls };
      expect(await introspect(others, presenting)).toEqual({ outcome: "accepted", guarded: 0, plain: 1 });
    },
  ),
  conforms(
    "7662-05",
    "compares the binding of an opaque token for every request, regardless of earlier results",
    async ({ scene }) => {
      const { own, other, remote } = scene;
      const { issuer, introspectionClient: introspection } = remote;
      const verifier = verifierOf({ issuer, introspection });
      const token = await remote.opaqueToken({ boundTo: own });
      const introspections = () => remote.requests.filter((path) => path === "/introspect").length;
      const before = introspections();
      const outcomes = [];
      for (const client of [other, own, other, own]) outcomes.push(await verifyAs(client, verifier, token));
      expect(outcomes).toEqual(["ERR_BINDING_MISMATCH", "accepted", "ERR_BINDING_MISMATCH", "accepted"]);
      expect(await outcomeOf(verifier.verify(token, { clientCertificate: null }))).toBe("ERR_CERTIFICATE_MISSING");
      expect(introspections() - before).toBe(1);
    },
  ),
];
