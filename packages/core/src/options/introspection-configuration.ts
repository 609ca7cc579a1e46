import type { CryptoKey, JWK } from "jose";

/**
 * How this API authenticates to the issuer, by the registered names (RFC 7591 section 2, RFC 8705 section 2), or by a bearer
 * token (RFC 7662 section 2.1).
 */
export type ClientAuthenticationMethod =
  | "client_secret_basic"
  | "client_secret_post"
  | "private_key_jwt"
  | "tls_client_auth"
  | "self_signed_tls_client_auth"
  | "bearer"
  | "none";

/** What this API presents in the TLS handshake with the issuer, as `tls.createSecureContext` takes it. */
export interface ClientTls {
  /** The certificate, PEM; its chain may follow. */
  readonly cert: string | Uint8Array;
  /** The private key, PEM. */
  readonly key: string | Uint8Array;
  readonly passphrase?: string | undefined;
  /** The authorities that the issuer's certificate is checked against, PEM; default: those of Node. */
  readonly ca?: string | Uint8Array | undefined;
}

/** A store that a fleet shares, such as a Keyv over Redis; it need not be trusted, and may fail. */
export interface IntrospectionCache {
  get(key: string): Promise<unknown>;
  /**
   * Resolves with false when the value was not written, as a Keyv does.
   *
   * @param timeToLive milliseconds
   */
  set(key: string, value: string, timeToLive: number): Promise<unknown>;
}

/**
 * Asks the issuer about tokens: opaque ones (RFC 7662), and with `always` or `jwtsAsOpaque` JWTs as well.
 *
 * Exactly one of `clientSecret`, `clientKey`, `clientTls` and `bearerToken` is given; none where the `fetch` option presents
 * the certificate, or with the method `none`.
 */
export interface IntrospectionOptions {
  /** Where to ask: https, or http on a loopback address; default: what the issuer's metadata says (RFC 8414). */
  readonly endpoint?: string | URL | undefined;
  /** The identifier of this API at the issuer. */
  readonly clientId: string;
  /** Default: by what is given, `client_secret_basic`, `private_key_jwt`, `tls_client_auth` or `bearer`. */
  readonly clientAuthentication?: ClientAuthenticationMethod | undefined;
  readonly clientSecret?: string | undefined;
  /** The private key of `private_key_jwt`; an RSA or ML-DSA key as a JWK needs `alg`, and an RSA key 2048 bits. */
  readonly clientKey?: JWK | CryptoKey | { readonly key: CryptoKey; readonly kid: string } | undefined;
  /** The certificate of mutual TLS; needs the package undici. */
  readonly clientTls?: ClientTls | undefined;
  /**
   * Returns the access token of the method `bearer`. Called for every request; cache the token yourself. With a shared `cache`,
   * `clientId` stands for the identity of the token. If it throws, does not settle within 5 s or
   * does not return a bearer token, no request is sent, and the error is one of the application.
   */
  readonly bearerToken?: (() => string | Promise<string>) | undefined;
  /** Whether requests have `token_type_hint=access_token`; default true. */
  readonly tokenTypeHint?: boolean | undefined;
  /** Whether this issuer is asked about opaque tokens; default true. One issuer at most can be. */
  readonly opaqueTokens?: boolean | undefined;
  /**
   * Introspects JWTs as well, and does not verify them locally: for issuers whose JWTs lack claims, or cannot be verified by
   * others. The claims are those of the response. Of several issuers, this one gets every JWT whose `iss` is not another of
   * them. Excludes `always`, which verifies JWTs first.
   */
  readonly jwtsAsOpaque?: boolean | undefined;
  /**
   * Asks about every JWT too, once it is verified, so that a revoked one is rejected. The answer can add a binding to the
   * token, never remove one.
   */
  readonly always?: boolean | undefined;
  /**
   * The promise that this issuer returns `cnf` for every bound token: without it, `"when-bound"` would take an opaque token
   * whose binding is not told for an unbound one.
   */
  readonly returnsConfirmation?: true | undefined;
  /** Asks for signed responses (RFC 9701), and rejects a response of the issuer that is not signed. */
  readonly signedResponse?: boolean | undefined;
  /**
   * How long an answer is used, in seconds, and never past the token's `exp` plus `clockTolerance`; default 30, at most 3600.
   * That long a revoked token may be accepted. 0 asks for every request, except that simultaneous ones share a response.
   */
  readonly cacheDuration?: number | undefined;
  /** Where answers are shared with other processes; default: each process has its own. Needs `cacheKey`. */
  readonly cache?: IntrospectionCache | undefined;
  /** The secret by which what is in the cache is named, encrypted and authenticated; at least 32 characters. */
  readonly cacheKey?: string | undefined;
}

/** How the API authenticates, checked. */
export type ClientAuthentication =
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  /** A JWK has its `alg`. */
  | { readonly method: "private_key_jwt"; readonly key: CryptoKey | JWK; readonly keyId: string | undefined }
  | { readonly method: "bearer"; readonly bearerToken: () => string | Promise<string> }
  | { readonly method: "none" }
  /** Without `tls`, the `fetch` option presents the certificate. */
  | { readonly method: "tls_client_auth" | "self_signed_tls_client_auth"; readonly tls: ClientTls | undefined };

/** The introspection of one issuer, checked. */
export interface IntrospectionConfiguration {
  /** Undefined: found by discovery. */
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

/** Returns whether the API authenticates with a certificate, as `clientTls` or the `fetch` option presents it. */
export function isMutualTls(
  authentication: ClientAuthentication,
): authentication is Extract<ClientAuthentication, { readonly tls: ClientTls | undefined }> {
  return authentication.method === "tls_client_auth" || authentication.method === "self_signed_tls_client_auth";
}
