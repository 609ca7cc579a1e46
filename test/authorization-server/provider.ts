import { generateKeyPairSync, type X509Certificate } from "node:crypto";
import type { RequestListener } from "node:http";
import type { TLSSocket } from "node:tls";
import { type ClientMetadata, type Context, type Jwk, Provider, type ResourceServer } from "oidc-provider";

/** The audience of the API whose tokens are JWTs. */
export const AUDIENCE = "https://api.example.com";

/** The audience of the API whose tokens are opaque; tokens for every other audience are opaque too. */
export const OPAQUE_AUDIENCE = "https://opaque.example.com";

/** The path of the introspection endpoint, on both listeners. */
export const INTROSPECTION_PATH = "/token/introspection";

/** The options of `createProvider`. */
export interface ProviderOptions {
  readonly issuer: string;
  /** The origin of the mutual TLS endpoint aliases (RFC 8705 section 5). */
  readonly mtlsOrigin: string;
  readonly clients: readonly ClientMetadata[];
  /** The first key signs. All keys are published. */
  readonly keys: readonly Jwk[];
  /** Whether the server signs introspection responses for APIs that request it (RFC 9701). */
  readonly signsResponses: boolean;
}

/**
 * Creates the request handler of an oidc-provider. It issues access tokens, JWTs (RFC 9068) or opaque, that are bound to
 * the client's certificate (RFC 8705 section 3), and introspects the opaque ones for APIs (RFC 7662, RFC 9701).
 */
export function createProvider({
  issuer,
  mtlsOrigin,
  clients,
  keys,
  signsResponses,
}: ProviderOptions): RequestListener {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    scopes: ["read"],
    ttl: { ClientCredentials: 600 },
    clientAuthMethods: [
      "client_secret_basic",
      "client_secret_post",
      "private_key_jwt",
      "tls_client_auth",
      "self_signed_tls_client_auth",
    ],
    clientDefaults: {
      id_token_signed_response_alg: "ES256",
      ...(signsResponses ? { introspection_signed_response_alg: "ES256" } : {}),
    },
    // #region binding
    discovery: {
      mtls_endpoint_aliases: {
        token_endpoint: `${mtlsOrigin}/token`,
        introspection_endpoint: `${mtlsOrigin}${INTROSPECTION_PATH}`,
        revocation_endpoint: `${mtlsOrigin}/token/revocation`,
      },
    },
    // #endregion
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      // #region binding
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: resourceServer,
      },
      // #endregion
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: signsResponses },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => client.clientId === token.clientId },
      // #region binding
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: clientCertificate,
        certificateAuthorized: ({ socket }) => (socket as TLSSocket).authorized,
        certificateSubjectMatches: (context, property, expected) =>
          property === "tls_client_auth_subject_dn" && clientCertificate(context)?.subject === expected,
      },
      // #endregion
    },
  });
  return provider.callback();
}

// #region binding

function resourceServer(_context: Context, audience: string): ResourceServer {
  if (audience !== AUDIENCE) return { scope: "read", audience, accessTokenFormat: "opaque" };
  return { scope: "read", audience, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
}

function clientCertificate({ socket }: Context): X509Certificate | undefined {
  // Both listeners use TLS. The public one requests no certificate.
  return (socket as TLSSocket).getPeerX509Certificate();
}
// #endregion

/** Creates a private key to sign tokens and assertions with. */
export function createSigningKey(kid: string): Jwk {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "ES256" };
}
