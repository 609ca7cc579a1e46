import type { CryptoKey, JWK } from "jose";

/**
 * A method to authenticate to the issuer, by its registered name (RFC 7591 section 2, RFC 8705 section 2), or `bearer` for an
 * access token (RFC 7662 section 2.1).
 */
export type ClientAuthenticationMethod =
  | "client_secret_basic"
  | "client_secret_post"
  | "private_key_jwt"
  | "tls_client_auth"
  | "self_signed_tls_client_auth"
  | "bearer"
  | "none";

/** The credentials of this API for the TLS handshake with the issuer, in the form of `tls.createSecureContext`. */
export interface ClientTls {
  /** The certificate in PEM, optionally followed by its chain. */
  readonly cert: string | Uint8Array;
  /** The private key in PEM. */
  readonly key: string | Uint8Array;
  readonly passphrase?: string | undefined;
  /** The CA certificates that the issuer's certificate is verified against, in PEM; default: those of Node. */
  readonly ca?: string | Uint8Array | undefined;
}

/** A store that several processes share, such as a Keyv with Redis. It does not have to be trusted, and may fail. */
export interface IntrospectionCache {
  get(key: string): Promise<unknown>;
  /**
   * Resolves with false if the value was not written, like a Keyv.
   *
   * @param timeToLive milliseconds
   */
  set(key: string, value: string, timeToLive: number): Promise<unknown>;
}

/**
 * Options for the introspection (RFC 7662) of opaque tokens and, with `always` or `jwtsAsOpaque`, of JWTs.
 *
 * Give exactly one of `clientSecret`, `clientKey`, `clientTls` and `bearerToken`. Give none of them with the method `none`,
 * or if the `fetch` option presents the client certificate.
 */
export interface IntrospectionOptions {
  /** The introspection endpoint: https, or http on a loopback address; default: from the issuer's metadata (RFC 8414). */
  readonly endpoint?: string | URL | undefined;
  /** The identifier of this API at the issuer. */
  readonly clientId: string;
  /** Default: `client_secret_basic`, `private_key_jwt`, `tls_client_auth` or `bearer`, depending on the given credential. */
  readonly clientAuthentication?: ClientAuthenticationMethod | undefined;
  readonly clientSecret?: string | undefined;
  /** The private key of `private_key_jwt`. A JWK of an RSA or ML-DSA key needs `alg`; an RSA key needs at least 2048 bits. */
  readonly clientKey?: JWK | CryptoKey | { readonly key: CryptoKey; readonly kid: string } | undefined;
  /** The certificate for mutual TLS; needs the package undici. */
  readonly clientTls?: ClientTls | undefined;
  /**
   * Returns the access token of the method `bearer`. Called for every introspection request; cache the token yourself. A shared
   * `cache` separates responses by `clientId`, not by this token. If the function throws, does not settle within 5 s or does not
   * return a bearer token, the introspection request is not sent, and the request fails with 500 as an error of the application.
   */
  readonly bearerToken?: (() => string | Promise<string>) | undefined;
  /** Whether introspection requests contain `token_type_hint=access_token`; default true. */
  readonly tokenTypeHint?: boolean | undefined;
  /** Whether this issuer introspects opaque tokens; default true. At most one issuer can introspect them. */
  readonly opaqueTokens?: boolean | undefined;
  /**
   * Introspects JWTs instead of verifying them locally, for issuers whose JWTs lack claims or cannot be verified by an API.
   * The claims come from the response. With several issuers, this issuer introspects every JWT whose `iss` does not match
   * another issuer. Cannot be combined with `always`, which verifies JWTs first.
   */
  readonly jwtsAsOpaque?: boolean | undefined;
  /**
   * Introspects every JWT after it was verified locally, so that revoked tokens are rejected. The response can add a binding
   * to the token, but cannot remove one.
   */
  readonly always?: boolean | undefined;
  /**
   * Confirms that this issuer returns `cnf` for every bound token. Required for opaque tokens with `"when-bound"`, which
   * accepts a token without `cnf` as unbound.
   */
  readonly returnsConfirmation?: true | undefined;
  /** Requests signed responses (RFC 9701), and rejects a response that is not signed. */
  readonly signedResponse?: boolean | undefined;
  /**
   * How long a response is used, in seconds; default 30, maximum 3600. A response is never used after the token's `exp` plus
   * `clockTolerance`. A revoked token can be accepted until its response is no longer used. With 0, every request
   * introspects its token, except that simultaneous requests with the same token share a response.
   */
  readonly cacheDuration?: number | undefined;
  /** A store that shares responses with other processes; default: a cache in each process. Needs `cacheKey`. */
  readonly cache?: IntrospectionCache | undefined;
  /** The secret that encrypts and authenticates cache entries, and from which their names are derived; at least 32 characters. */
  readonly cacheKey?: string | undefined;
}

/** The checked credentials of this API. */
export type ClientAuthentication =
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  /** A JWK always has `alg`. */
  | { readonly method: "private_key_jwt"; readonly key: CryptoKey | JWK; readonly keyId: string | undefined }
  | { readonly method: "bearer"; readonly bearerToken: () => string | Promise<string> }
  | { readonly method: "none" }
  /** If `tls` is undefined, the `fetch` option presents the certificate. */
  | { readonly method: "tls_client_auth" | "self_signed_tls_client_auth"; readonly tls: ClientTls | undefined };

/** The checked introspection options of one issuer. */
export interface IntrospectionConfiguration {
  /** If undefined, the endpoint is found by discovery. */
  readonly endpoint: URL | undefined;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  readonly tokenTypeHint: boolean;
  readonly opaqueTokens: boolean;
  readonly jwtsAsOpaque: boolean;
  readonly always: boolean;
  readonly returnsConfirmation: boolean;
  readonly signedResponse: boolean;
  /** Seconds. */
  readonly cacheDuration: number;
  readonly cache: { readonly store: IntrospectionCache; readonly key: string } | undefined;
}

/** Returns whether the API authenticates with a certificate, which `clientTls` or the `fetch` option presents. */
export function isMutualTls(
  authentication: ClientAuthentication,
): authentication is Extract<ClientAuthentication, { readonly tls: ClientTls | undefined }> {
  return authentication.method === "tls_client_auth" || authentication.method === "self_signed_tls_client_auth";
}
