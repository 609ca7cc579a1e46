// oidc-provider has no types of its own, and those of others do not compile beside Express 5. These are what is used.

declare module "oidc-provider" {
  import type { JsonWebKey, X509Certificate } from "node:crypto";
  import type { IncomingMessage, RequestListener } from "node:http";

  /** A key of a JSON Web Key Set. */
  export interface Jwk extends JsonWebKey {
    readonly kid?: string;
    readonly use?: "sig";
    readonly alg?: "ES256";
    readonly x5c?: readonly string[];
  }

  /** What a client is registered with (RFC 7591, RFC 8705 sections 2.1.2, 3.4 and 5). */
  export interface ClientMetadata {
    readonly client_id: string;
    readonly token_endpoint_auth_method: "tls_client_auth" | "self_signed_tls_client_auth";
    readonly tls_client_auth_subject_dn?: string;
    readonly jwks?: { readonly keys: readonly Jwk[] };
    readonly grant_types: readonly string[];
    readonly response_types: readonly string[];
    readonly redirect_uris: readonly string[];
    readonly tls_client_certificate_bound_access_tokens: true;
  }

  /** A request that the provider works on. */
  export interface Context {
    readonly socket: IncomingMessage["socket"];
  }

  export interface Configuration {
    readonly clients: readonly ClientMetadata[];
    readonly jwks: { readonly keys: readonly Jwk[] };
    readonly scopes: readonly string[];
    readonly ttl: Readonly<Record<string, number>>;
    readonly clientAuthMethods: readonly ClientMetadata["token_endpoint_auth_method"][];
    readonly clientDefaults: { readonly id_token_signed_response_alg: "ES256" };
    readonly discovery: { readonly mtls_endpoint_aliases: Readonly<Record<string, string>> };
    readonly features: {
      readonly clientCredentials: { readonly enabled: true };
      readonly devInteractions: { readonly enabled: false };
      readonly resourceIndicators: {
        readonly enabled: true;
        readonly defaultResource: () => string;
        readonly getResourceServerInfo: () => {
          readonly scope: string;
          readonly audience: string;
          readonly accessTokenFormat: "jwt";
          readonly jwt: { readonly sign: { readonly alg: "ES256" } };
        };
      };
      readonly mTLS: {
        readonly enabled: true;
        readonly certificateBoundAccessTokens: true;
        readonly tlsClientAuth: true;
        readonly selfSignedTlsClientAuth: true;
        readonly getCertificate: (context: Context) => X509Certificate | undefined;
        readonly certificateAuthorized: (context: Context) => boolean;
        readonly certificateSubjectMatches: (context: Context, property: string, expected: string) => boolean;
      };
    };
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    callback(): RequestListener;
  }
}
