// oidc-provider ships no types, and @types/oidc-provider does not compile with Express 5. Declares the parts in use.

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

  /** How a client authenticates at the token, introspection and revocation endpoints. */
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

  /** The metadata of a registered client (RFC 7591, RFC 8705 sections 2.1.2, 3.4 and 5). */
  export interface ClientMetadata extends ClientAuthenticationMetadata {
    readonly client_id: string;
    readonly grant_types: readonly string[];
    readonly response_types: readonly string[];
    readonly redirect_uris: readonly string[];
    readonly tls_client_certificate_bound_access_tokens?: true;
  }

  /** The token settings of one API (RFC 8707). */
  export type ResourceServer = { readonly scope: string; readonly audience: string } & (
    | { readonly accessTokenFormat: "jwt"; readonly jwt: { readonly sign: { readonly alg: "ES256" } } }
    | { readonly accessTokenFormat: "opaque" }
  );

  /** The context of a request to the provider. */
  export interface Context {
    readonly socket: IncomingMessage["socket"];
  }

  /** A client, or a token of that client. */
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
