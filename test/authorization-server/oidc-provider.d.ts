// oidc-provider has no types of its own, and those of others do not compile beside Express 5. These are what is used.

declare module "oidc-provider" {
  import type { JsonWebKey, X509Certificate } from "node:crypto";
  import type { IncomingMessage, RequestListener } from "node:http";

  /** A key of a JSON Web Key Set. */
  export interface Jwk extends JsonWebKey {
    readonly kid?: string;
    readonly use?: "sig";
    readonly alg?: "ES256";
    readonly x5c?: string[];
  }

  /** How a client authenticates, at the introspection and the revocation endpoint as well. */
  export interface ClientAuthenticationMetadata {
    readonly token_endpoint_auth_method:
      | "client_secret_basic"
      | "client_secret_post"
      | "private_key_jwt"
      | "tls_client_auth"
      | "self_signed_tls_client_auth";
    readonly client_secret?: string;
    readonly tls_client_auth_subject_dn?: string;
    readonly jwks?: { readonly keys: readonly Jwk[] };
  }

  /** What a client is registered with (RFC 7591, RFC 8705 sections 2.1.2, 3.4 and 5). */
  export interface ClientMetadata extends ClientAuthenticationMetadata {
    readonly client_id: string;
    readonly grant_types: readonly string[];
    readonly response_types: readonly string[];
    readonly redirect_uris: readonly string[];
    readonly tls_client_certificate_bound_access_tokens?: true;
  }

  /** What the tokens for one API are like (RFC 8707). */
  export type ResourceServer = { readonly scope: string; readonly audience: string } & (
    | { readonly accessTokenFormat: "jwt"; readonly jwt: { readonly sign: { readonly alg: "ES256" } } }
    | { readonly accessTokenFormat: "opaque" }
  );

  /** A request that the provider works on. */
  export interface Context {
    readonly socket: IncomingMessage["socket"];
  }

  /** A client, or what was issued to it. */
  export interface Party {
    readonly clientId: string;
  }

  export interface Configuration {
    readonly clients: readonly ClientMetadata[];
    readonly jwks: { readonly keys: readonly Jwk[] };
    readonly scopes: readonly string[];
    readonly ttl: Readonly<Record<string, number>>;
    readonly clientAuthMethods: readonly ClientAuthenticationMetadata["token_endpoint_auth_method"][];
    readonly clientDefaults: {
      readonly id_token_signed_response_alg: "ES256";
      readonly introspection_signed_response_alg?: "ES256";
    };
    readonly discovery: { readonly mtls_endpoint_aliases: Readonly<Record<string, string>> };
    readonly features: {
      readonly clientCredentials: { readonly enabled: true };
      readonly devInteractions: { readonly enabled: false };
      readonly resourceIndicators: {
        readonly enabled: true;
        readonly defaultResource: () => string;
        readonly getResourceServerInfo: (context: Context, resource: string) => ResourceServer;
      };
      readonly introspection: { readonly enabled: true; readonly allowedPolicy: () => boolean };
      readonly jwtIntrospection: { readonly enabled: boolean };
      readonly revocation: {
        readonly enabled: true;
        readonly allowedPolicy: (context: Context, client: Party, token: Party) => boolean;
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
