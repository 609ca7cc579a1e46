import type { JWK } from "jose";
import type { CertificatePolicy } from "../certificate-policy/certificate-policy.ts";
import type { IntrospectionConfiguration, IntrospectionOptions } from "./introspection-configuration.ts";
import type { Profile, ProfileRules } from "./profiles.ts";
import type { SignatureAlgorithm } from "./signature-algorithms.ts";
import { isJsonObject, ownMember } from "../values/json-object.ts";

/** A JSON Web Key Set (RFC 7517 section 5). */
export interface JsonWebKeySet {
  readonly keys: readonly JWK[];
}

/** The options that are set for each issuer. */
export interface IssuerSettings {
  /**
   * The identifiers of this API. The token's `aud` must contain one of them, compared character by character. An explicit
   * `null` skips the check.
   */
  readonly audience?: string | readonly string[] | null | undefined;
  /**
   * The issuer's public keys, or the URL that serves them (without credentials). Default: the keys are found by discovery
   * (RFC 8414, then OpenID Connect). Issuers with the same URL share one fetch.
   *
   * A key set must contain from 1 to 1,000 keys that can verify signatures. If a configured set does not, a `TypeError` is
   * thrown. If a fetched set does not, it is ignored and the previous set stays in use; if there is no previous set, tokens
   * are rejected with `ERR_KEYS_UNAVAILABLE`.
   *
   * A key without `kid` matches tokens with any `kid` if the set was configured, but not if it was fetched. A key is imported
   * when a token first needs it. If the import fails, for example because the point is not on the curve, the key counts as
   * absent: if no other key matches, the token is rejected with `ERR_TOKEN_KEY_UNKNOWN`.
   */
  readonly jwks?: JsonWebKeySet | string | URL | undefined;
  /** Accepted signature algorithms; default: all of {@link SignatureAlgorithm}, or those of the profile. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined;
  /** Introspects opaque tokens and, with `always` or `jwtsAsOpaque`, JWTs; default: no introspection. */
  readonly introspection?: IntrospectionOptions | undefined;
}

/** The options of one of several issuers. */
export interface IssuerOptions extends IssuerSettings {
  /** The issuer identifier, compared with `iss` character by character (RFC 8725 section 3.8). */
  readonly issuer: string;
}

/**
 * Finds the issuer of a token in a multi-tenant API. This function is the allow-list of issuers. It is called before the
 * signature is verified, with the `iss` of the token (at most 1,024 characters). Compare `iss` with your tenants, and do not
 * derive URLs or keys from it.
 *
 * Returns the options of the issuer, or `undefined` to reject the token (`ERR_TOKEN_ISSUER`). If the function throws, does not
 * settle within 5 s or returns anything else, the request fails with 500 as an error of the application.
 *
 * Results are cached: an issuer for 10 minutes, `undefined` for 10 s, an error for 1 s. A removed tenant can therefore be
 * accepted for up to 10 minutes. Tokens of the same issuer share a call that is in progress. While 64 calls are in progress,
 * tokens that need another call are rejected with `ERR_KEYS_UNAVAILABLE`.
 *
 * An issuer that the function returns cannot introspect opaque tokens.
 */
export type IssuerFunction = (iss: string) => IssuerOptions | undefined | Promise<IssuerOptions | undefined>;

/** The options of a verifier. A member that is `undefined` counts as not given. */
export interface VerifierOptions extends IssuerSettings {
  /**
   * The issuer identifier, several issuers, or a function that finds them. Identifiers are compared with `iss` character by
   * character. Without `issuer` and `jwks`, `CERTBOUND_ISSUER`, `CERTBOUND_AUDIENCE` (comma separated) and
   * `CERTBOUND_JWKS_URI` are used.
   */
  readonly issuer?: string | readonly IssuerOptions[] | IssuerFunction | undefined;
  /**
   * Applies stricter rules. `"rfc9068"`: a JWT must be of type `at+jwt` and have all the claims that RFC 9068 section 2.2
   * requires. `"fapi2"` (FAPI 2.0 Security Profile section 5.3.4): JWTs of type `at+jwt`; only PS256, ES256 and EdDSA with
   * Ed25519; every token must be bound and sent in the Authorization header; `iat` at most 60 s in the future, `nbf` at most
   * `clockTolerance`. It also requires `maxTokenAge`, or `introspection` with `always` or `jwtsAsOpaque` for each issuer, to
   * limit the use of revoked tokens. Opaque tokens remain possible. Options that contradict these rules are a `TypeError`;
   * `audience: null` is allowed.
   */
  readonly profile?: Profile | undefined;
  /**
   * Accepted `typ` values, compared case-insensitively and without the prefix `application/`; `null` accepts a token without
   * `typ`. Default: `at+jwt`; if the binding is required and no profile is set, also `JWT` and `null`.
   */
  readonly tokenTypes?: readonly (string | null)[] | undefined;
  /** Tolerated clock difference, in seconds; default 5, maximum 300; with the profile `fapi2` default 10, maximum 60. */
  readonly clockTolerance?: number | undefined;
  /** Maximum age of a token, in seconds since its `iat`, which is then required; `clockTolerance` is added. */
  readonly maxTokenAge?: number | undefined;
  /**
   * Maximum number of verified tokens in the cache; default 10000, `false` disables the cache. The signature of a cached token
   * is not verified again, for up to 5 minutes. The certificate, the times and the requirements are still checked for every
   * request.
   */
  readonly verifiedTokens?: number | false | undefined;
  /**
   * Checks more of the client certificate than its thumbprint, for every request; default: only the thumbprint is checked.
   * `certificateRules` creates a policy. Called with the certificate that a token is bound to and, under `"when-bound"`, with a
   * certificate that a client presents with an unbound token. Under `"report-only"`, a rejection is only reported.
   */
  readonly certificatePolicy?: CertificatePolicy | undefined;
  /** Sends every request to an issuer, for example through an egress proxy or with a private CA; default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Returns the current time for the checks of claims, in milliseconds since the epoch; default: `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

/** The source of an issuer's keys. */
export type KeyLocation =
  | { readonly kind: "set"; readonly jwks: JsonWebKeySet }
  | { readonly kind: "url"; readonly url: URL }
  | { readonly kind: "discovery"; readonly issuer: string };

/** The checked options of one issuer. */
export interface IssuerConfiguration {
  readonly issuer: string;
  readonly audience: readonly string[] | null;
  readonly algorithms: ReadonlySet<string>;
  readonly keys: KeyLocation;
  readonly introspection: IntrospectionConfiguration | undefined;
}

/** The application's `issuer` function, and the checks of its results. */
export interface ParsedIssuerFunction {
  readonly find: IssuerFunction;
  /**
   * Checks the result for an issuer.
   *
   * @throws TypeError
   */
  readonly parse: (returned: unknown, issuer: string) => IssuerConfiguration;
}

/** The checked options of a verifier. */
export interface VerifierConfiguration {
  /** Empty if a function finds the issuers. */
  readonly issuers: readonly IssuerConfiguration[];
  readonly issuerFunction: ParsedIssuerFunction | undefined;
  /** The algorithms of all issuers together, to check a token before its issuer is known. */
  readonly algorithms: ReadonlySet<string>;
  /** Whether an issuer introspects opaque tokens without the option `returnsConfirmation`. */
  readonly introspectionMayOmitCnf: boolean;
  readonly profileRules: ProfileRules;
  /** Normalised: lower case, without `application/`. Undefined: the default, which depends on the binding mode. */
  readonly tokenTypes: ReadonlySet<string | null> | undefined;
  readonly clockTolerance: number;
  readonly maxTokenAge: number | undefined;
  /** Zero disables the cache. */
  readonly verifiedTokens: number;
  readonly certificatePolicy: CertificatePolicy | undefined;
  readonly fetch: typeof fetch;
  readonly clock: () => number;
}

/** Returns whether a value has the shape of a key set (RFC 7517 section 5). Does not check the members of its keys. */
export function isJsonWebKeySet(value: unknown): value is JsonWebKeySet {
  if (!isJsonObject(value)) return false;
  const keys = ownMember(value, "keys");
  // findIndex, because every() skips the holes of a sparse array.
  return Array.isArray(keys) && keys.findIndex((key) => !isJsonObject(key)) === -1;
}
