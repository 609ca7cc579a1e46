import { startServer } from "@certbound/testing";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

/**
 * Starts an authorization server that issues access tokens bound to the client's certificate (RFC 8705), for one API:
 * JWTs, or opaque tokens that the API introspects (RFC 7662).
 *
 * It has two listeners. The public one serves the metadata and keys. The other one requests a client certificate, and
 * serves the token endpoint and the introspection endpoint. The metadata lists both endpoints in
 * `mtls_endpoint_aliases` (section 5).
 */
export async function startAuthorizationServer({ certificate, ca, clients, api }) {
  const tls = { key: certificate.key, cert: certificate.certificate };
  const servers = [createServer(tls), createServer({ ...tls, ca, requestCert: true, minVersion: "TLSv1.3" })];
  const [publicServer, mtls] = await Promise.all(servers.map(startServer));

  const provider = new Provider(publicServer.url, {
    clients,
    jwks: { keys: [createSigningKey()] },
    scopes: api.scopes,
    ttl: { ClientCredentials: 600 },
    clientAuthMethods: ["tls_client_auth"],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    discovery: {
      mtls_endpoint_aliases: {
        token_endpoint: `${mtls.url}/token`,
        introspection_endpoint: `${mtls.url}/token/introspection`,
      },
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      // Sets the audience of a token, and chooses the format of the token by its audience.
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, audience) => ({
          audience,
          scope: api.scopes.join(" "),
          accessTokenFormat: audience === api.audiences.opaque ? "opaque" : "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
      },
      // Lets only the API introspect tokens.
      introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientId === api.clientId },
      // Authenticates a client by its certificate, and binds its tokens to the certificate.
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        certificateBoundAccessTokens: true,
        getCertificate: ({ socket }) => socket.getPeerX509Certificate(),
        certificateAuthorized: ({ socket }) => socket.authorized,
        certificateSubjectMatches: ({ socket }, property, expected) =>
          property === "tls_client_auth_subject_dn" && socket.getPeerX509Certificate().subject === expected,
      },
    },
  });
  for (const server of servers) server.on("request", provider.callback());
  return { issuer: publicServer.url, close: () => Promise.all([publicServer.close(), mtls.close()]) };
}

function createSigningKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid: "key-1", use: "sig", alg: "ES256" };
}
