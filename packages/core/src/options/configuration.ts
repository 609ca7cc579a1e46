import type { JWK } from "jose";
import type { CertificatePolicy } from "../certificate-policy/certificate-policy.ts";
import type { IntrospectionConfiguration, IntrospectionOptions } from "./introspection-configuration.ts";
import type { Profile, ProfileDemands } from "./profiles.ts";
import type { SignatureAlgorithm } from "./signature-algorithms.ts";
import { isJsonObject, ownMember } from "../values/json-object.ts";

/** A JSON Web Key Set (RFC 7517 section 5). */
export interface JsonWebKeySet {
  readonly keys: readonly JWK[];
}

/** What is configured for each issuer. */
export interface IssuerSettings {
  /**
   * The identifiers of this API, of which the token's `aud` must hold one; compared exactly. `null`, written out, skips
   * the check.
   */
  readonly audience?: string | readonly string[] | null | undefined;
  /**
   * The issuer's public keys, or the URL that serves them, without credentials; default: found by discovery (RFC 8414, then
   * OpenID Connect). Issuers with the same URL share one fetch.
   *
   * What the members of the keys show is judged when the set is read: a set in the configuration without a key that can
   * verify signatures, or with more than 1,000 of them, is a `TypeError`; such a set that was fetched replaces
   * nothing, and is `ERR_KEYS_UNAVAILABLE` where no earlier set can be used.
   * A key without `kid` in a set in the configuration fits a token with any `kid`; in a set that was fetched it does not.
   * A key is imported when a token first needs it. A key that then proves unusable, such as a point off its curve, counts
   * as absent: if no other key fits, the token is rejected with `ERR_TOKEN_KEY_UNKNOWN`.
   */
  readonly jwks?: JsonWebKeySet | string | URL | undefined;
  /** Accepted signature algorithms; default: all of {@link SignatureAlgorithm}, or those of the profile. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined;
  /** How the issuer is asked about opaque tokens, and with `always` or `jwtsAsOpaque` about JWTs too; default: it is not. */
  readonly introspection?: IntrospectionOptions | undefined;
}

/** One issuer of several. */
export interface IssuerOptions extends IssuerSettings {
  /** The issuer identifier, compared with `iss` character by character (RFC 8725 section 3.8). */
  readonly issuer: string;
}

/**
 * Finds the issuer of a token in a multi-tenant API: the allow-list of issuers. It is called with the `iss` of a token whose
 * signature was not verified, of 1,024 characters at most: compare it with your tenants, and derive nothing from it.
 *
 * Returns the options of the issuer, or `undefined` for one that is not accepted (`ERR_TOKEN_ISSUER`). What it throws, or
 * returns otherwise, is an error of the application, never a rejection. Results are cached: an issuer for 10 minutes, so
 * that a tenant that you remove is accepted for as long; `undefined` for 10 s, a failure for 1 s. Concurrent calls for one
 * issuer are one call; beyond 64 calls at a time, tokens are rejected with `ERR_KEYS_UNAVAILABLE`.
 *
 * Opaque tokens are not introspected by such an issuer.
 */
export type IssuerFunction = (iss: string) => IssuerOptions | undefined | Promise<IssuerOptions | undefined>;

/** Configures a verifier, once. A member given as `undefined` counts as not given. */
export interface VerifierOptions extends IssuerSettings {
  /**
   * The issuer identifier, several issuers, or a function that finds them; compared with `iss` character by character. A configuration that names
   * neither `issuer` nor `jwks` is filled from `CERTBOUND_ISSUER`, `CERTBOUND_AUDIENCE` (comma separated) and
   * `CERTBOUND_JWKS_URI`.
   */
  readonly issuer?: string | readonly IssuerOptions[] | IssuerFunction | undefined;
  /**
   * Stricter rules. `"rfc9068"`: a JWT must be of type `at+jwt`, with all the claims that RFC 9068 section 2.2 demands.
   * `"fapi2"` (FAPI 2.0 Security Profile section 5.3.4): `at+jwt`; PS256, ES256 and EdDSA with Ed25519; every token bound,
   * and from the Authorization header; no `iat` or `nbf` more than 60 s ahead; and `maxTokenAge`, or `introspection` with
   * `always` or `jwtsAsOpaque` for each issuer, so that revoked tokens end. Opaque tokens remain possible. Options that
   * contradict these rules are a `TypeError`; `audience: null` does not count as one.
   */
  readonly profile?: Profile | undefined;
  /**
   * Accepted `typ` values, without regard to case and to the prefix `application/`; `null` accepts a token without one.
   * Default: `at+jwt`, and where the binding is required, without a profile, also `JWT` and none.
   */
  readonly tokenTypes?: readonly (string | null)[] | undefined;
  /** How far clocks may differ, in seconds; default 5, at most 300; with the profile `fapi2` 10, at most 60. */
  readonly clockTolerance?: number | undefined;
  /** The greatest age of a token, in seconds since its `iat`, which is then required; `clockTolerance` is added. */
  readonly maxTokenAge?: number | undefined;
  /**
   * How many verified tokens are cached at most, for up to 5 minutes, so that not every request needs a signature to be
   * verified; default 10000, `false`: none. The certificate, the times and the requirements are checked for every request all
   * the same.
   */
  readonly verifiedTokens?: number | false | undefined;
  /**
   * Judges client certificates beyond their thumbprint, for every request; default: the thumbprint is all that counts.
   * `certificateRules` makes one. It is asked about the certificate that a token is bound to, under `"when-bound"` also about
   * one that an unbound token came with; under `"report-only"` its rejection is reported.
   */
  readonly certificatePolicy?: CertificatePolicy | undefined;
  /** Makes every request to an issuer (private CA, egress proxy); default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** The time that claims are judged by, in milliseconds since the epoch; default: `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

/** Where the keys of an issuer come from. */
export type KeyLocation =
  | { readonly kind: "set"; readonly jwks: JsonWebKeySet }
  | { readonly kind: "url"; readonly url: URL }
  | { readonly kind: "discovery"; readonly issuer: string };

/** One issuer, checked. */
export interface IssuerConfiguration {
  readonly issuer: string;
  readonly audience: readonly string[] | null;
  readonly algorithms: ReadonlySet<string>;
  readonly keys: KeyLocation;
  readonly introspection: IntrospectionConfiguration | undefined;
}

/** A function of the application that finds issuers. */
export interface ParsedIssuerFunction {
  readonly find: IssuerFunction;
  /**
   * Checks what it returned for an issuer.
   *
   * @throws TypeError
   */
  readonly parse: (returned: unknown, issuer: string) => IssuerConfiguration;
}

/** A verifier's options, checked. */
export interface VerifierConfiguration {
  /** Empty where a function finds them. */
  readonly issuers: readonly IssuerConfiguration[];
  readonly issuerFunction: ParsedIssuerFunction | undefined;
  /** Those of any issuer, for tokens of an unknown one. */
  readonly algorithms: ReadonlySet<string>;
  /** Whether an issuer is asked about opaque tokens without the promise that it returns `cnf`. */
  readonly introspectionMayOmitCnf: boolean;
  /** What is demanded beyond the other members. */
  readonly demands: ProfileDemands;
  /** Normalised: lower case, without `application/`. */
  readonly tokenTypes: ReadonlySet<string | null> | undefined;
  readonly clockTolerance: number;
  readonly maxTokenAge: number | undefined;
  /** Zero: none are cached. */
  readonly verifiedTokens: number;
  readonly certificatePolicy: CertificatePolicy | undefined;
  readonly fetch: typeof fetch;
  readonly clock: () => number;
}

/** Tells whether a value has the shape of a key set (RFC 7517 section 5); what its keys hold is not looked at. */
export function isJsonWebKeySet(value: unknown): value is JsonWebKeySet {
  if (!isJsonObject(value)) return false;
  const keys = ownMember(value, "keys");
  // findIndex, since every() passes over the holes of a sparse array.
  return Array.isArray(keys) && keys.findIndex((key) => !isJsonObject(key)) === -1;
}
