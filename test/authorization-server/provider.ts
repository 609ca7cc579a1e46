import type { Identity } from "@certbound/testing";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import type { RequestListener } from "node:http";
import type { TLSSocket } from "node:tls";
import { type ClientMetadata, type Context, type Jwk, Provider } from "oidc-provider";

/** How this API is named in the tokens that are meant for it. */
export const AUDIENCE = "https://api.example.com";

/** What the handlers of an authorization server are made of. */
export interface ProviderOptions {
  readonly issuer: string;
  /** Where clients authenticate with their certificate (RFC 8705 section 5). */
  readonly mtlsOrigin: string;
  readonly clients: readonly ClientMetadata[];
  /** The first one signs; all are published. */
  readonly keys: readonly Jwk[];
}

/**
 * Makes the request handler of an authorization server: oidc-provider, which issues JWT access tokens (RFC 9068) that
 * are bound to the certificate of the client (RFC 8705 section 3).
 */
export function createProvider({ issuer, mtlsOrigin, clients, keys }: ProviderOptions): RequestListener {
  const resource = {
    scope: "read",
    audience: AUDIENCE,
    accessTokenFormat: "jwt",
    jwt: { sign: { alg: "ES256" } },
  } as const;
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    scopes: ["read"],
    ttl: { ClientCredentials: 600 },
    clientAuthMethods: ["tls_client_auth", "self_signed_tls_client_auth"],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    discovery: { mtls_endpoint_aliases: { token_endpoint: `${mtlsOrigin}/token` } },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => resource,
      },
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
    },
  });
  return provider.callback();
}

function clientCertificate({ socket }: Context): X509Certificate | undefined {
  // both listeners speak TLS; the one for everybody asks for no certificate
  return (socket as TLSSocket).getPeerX509Certificate();
}

/** Registers a client whose certificate is issued by an authority: `tls_client_auth` (RFC 8705 section 2.1). */
export function authorityClient({ certificate }: Identity): ClientMetadata {
  return {
    ...clientMetadata("ca-signed"),
    token_endpoint_auth_method: "tls_client_auth",
    tls_client_auth_subject_dn: new X509Certificate(certificate).subject,
  };
}

/** Registers a client with a certificate of its own making: `self_signed_tls_client_auth` (RFC 8705 section 2.2). */
export function selfSignedClient({ certificate }: Identity): ClientMetadata {
  const { publicKey, raw } = new X509Certificate(certificate);
  return {
    ...clientMetadata("self-signed"),
    token_endpoint_auth_method: "self_signed_tls_client_auth",
    jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), x5c: [raw.toString("base64")] }] },
  };
}

function clientMetadata(id: string): Omit<ClientMetadata, "token_endpoint_auth_method"> {
  return {
    client_id: id,
    grant_types: ["client_credentials"],
    response_types: [],
    redirect_uris: [],
    tls_client_certificate_bound_access_tokens: true,
  };
}

/** Makes a private key that tokens can be signed with. */
export function createSigningKey(kid: string): Jwk {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "ES256" };
}
