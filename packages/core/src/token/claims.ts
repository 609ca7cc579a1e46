import type { AccessTokenClaims } from "../access-token.ts";
import { currentTime } from "../runtime/clock.ts";
import type { CompactJws } from "./compact-jws.ts";
import type { IssuerConfiguration, VerifierConfiguration } from "../options/configuration.ts";
import { rejected } from "../errors.ts";
import { type JsonObject, ownMember } from "../values/json-object.ts";
import { ACCESS_TOKEN_TYPE, defaultTokenTypes, normaliseTokenType } from "../options/token-types.ts";

/** The rules for the header and the claims of a token. */
export interface ClaimRules {
  readonly configuration: VerifierConfiguration;
  /** The accepted issuer that the token names; undefined if it names another issuer. */
  readonly issuer: IssuerConfiguration | undefined;
  readonly bindingRequired: boolean;
}

/** The header parameters that are checked. */
export type TokenHeader = Pick<CompactJws, "algorithm" | "type">;

/** Claims of ID tokens, logout tokens and security events (RFC 8725 section 3.12). */
export const foreignClaims: readonly string[] = ["nonce", "at_hash", "c_hash", "events"];

/** The last second of the year 9999. A greater number is invalid, and probably in milliseconds. */
export const MAX_NUMERIC_DATE = 253_402_300_799;

/**
 * Checks algorithm, type, issuer, audience, times, the claims that the profile requires, and the types of the other claims, in
 * this order (RFC 9068 section 4).
 *
 * The signature, `cnf` and the scopes are not checked.
 *
 * @throws AccessTokenError `ERR_TOKEN_ALGORITHM`, `_TYPE`, `_ISSUER`, `_AUDIENCE`, `_EXPIRED`, `_NOT_YET_VALID`, `_CLAIM`
 */
export function checkClaims(header: TokenHeader, claims: JsonObject, rules: ClaimRules): AccessTokenClaims {
  const { configuration, issuer, bindingRequired } = rules;
  checkAlgorithm(header.algorithm, (issuer ?? configuration).algorithms);
  checkType(header.type, claims, { configuration, bindingRequired });
  if (issuer === undefined) throw rejected("ERR_TOKEN_ISSUER", "iss does not exactly match a configured issuer");
  checkAudience(ownMember(claims, "aud"), issuer.audience);
  checkTimes(timesOf(claims), configuration, { expires: true, issued: true });
  const missing = configuration.profileRules.requiredClaims.find((name) => !Object.hasOwn(claims, name));
  if (missing !== undefined) throw rejected("ERR_TOKEN_CLAIM", `${missing} is missing, but the profile requires it`);
  checkClaimTypes(claims);
  return claims;
}

/** The parts of an accepted token whose checks depend on the time or on the request. */
export interface AcceptedToken {
  readonly header: TokenHeader;
  readonly claims: AccessTokenClaims;
  readonly times: TokenTimes;
}

/**
 * Checks the type and the times of a cached token again, because they depend on the request and the current time.
 *
 * @throws AccessTokenError `ERR_TOKEN_TYPE`, `_EXPIRED`, `_NOT_YET_VALID`
 */
export function recheckClaims({ header, claims, times }: AcceptedToken, rules: Omit<ClaimRules, "issuer">): void {
  const { configuration, bindingRequired } = rules;
  checkType(header.type, claims, { configuration, bindingRequired });
  checkTimes(times, configuration, { expires: true, issued: true });
}

/** The rules for an introspection response. */
export interface IntrospectionRules {
  readonly configuration: VerifierConfiguration;
  /** The issuer that sent the response. */
  readonly issuer: IssuerConfiguration;
  /** The verified claims of the token if it is a JWT; undefined for an opaque token. */
  readonly claims: AccessTokenClaims | undefined;
}

/**
 * Checks the introspection response for an active token (RFC 7662 section 2.2): type, issuer, audience, times and the types
 * of the other claims. If the token is a JWT and the response contains its `sub`, `client_id` or `jti`, the values must
 * match. `exp` is optional, because the issuer reports whether the token is active.
 *
 * `cnf` and the scopes are not checked.
 *
 * @throws AccessTokenError `ERR_TOKEN_TYPE`, `_ISSUER`, `_AUDIENCE`, `_EXPIRED`, `_NOT_YET_VALID`, `_CLAIM`
 */
export function checkIntrospection(response: JsonObject, rules: IntrospectionRules): AccessTokenClaims {
  const { configuration, issuer, claims } = rules;
  checkIntrospectedType(ownMember(response, "token_type"));
  const [iss, audience] = ["iss", "aud"].map((name) => ownMember(response, name));
  if (iss !== undefined && iss !== issuer.issuer) {
    throw rejected("ERR_TOKEN_ISSUER", "iss of the introspection response does not match the issuer that sent it");
  }
  for (const name of ["sub", "client_id", "jti"]) {
    const [verified, introspected] = [claims && ownMember(claims, name), ownMember(response, name)];
    if (verified !== undefined && introspected !== undefined && verified !== introspected) {
      throw rejected("ERR_TOKEN_CLAIM", `${name} of the introspection response does not match ${name} of the token`);
    }
  }
  if (claims === undefined || audience !== undefined) checkAudience(audience, issuer.audience);
  checkTimes(timesOf(response), configuration, { expires: false, issued: claims === undefined });
  checkClaimTypes(response);
  return response;
}

/** Accepted values of `token_type`. Other types of tokens, such as refresh tokens, can be active too, but are rejected. */
const introspectedTypes = new Set(["bearer", "access_token", "mtls_pop"]);

function checkIntrospectedType(type: unknown): void {
  if (type === undefined || (typeof type === "string" && introspectedTypes.has(type.toLowerCase()))) return;
  const names = [...introspectedTypes].join(", ");
  throw rejected("ERR_TOKEN_TYPE", `token_type of the introspection response is not one of ${names}`);
}

/**
 * Checks the algorithm of a token.
 *
 * If the issuer is unknown, `accepted` contains the algorithms of all issuers: the check of the issuer then rejects the token.
 *
 * @throws AccessTokenError `ERR_TOKEN_ALGORITHM`
 */
export function checkAlgorithm(algorithm: string, accepted: ReadonlySet<string>): void {
  if (accepted.has(algorithm)) return;
  throw rejected("ERR_TOKEN_ALGORITHM", "alg of the header is not an accepted algorithm");
}

function checkType(
  type: unknown,
  claims: JsonObject,
  { configuration, bindingRequired }: Omit<ClaimRules, "issuer">,
): void {
  const accepted = configuration.tokenTypes ?? defaultTokenTypes(bindingRequired);
  if (type !== undefined && typeof type !== "string") throw rejected("ERR_TOKEN_TYPE", "typ is not a string");
  if (type === ACCESS_TOKEN_TYPE && accepted.has(type)) return;
  const normalised = type === undefined ? null : normaliseTokenType(type);
  if (!accepted.has(normalised)) {
    const names = [...accepted].map((name) => name ?? "none").join(", ");
    throw rejected("ERR_TOKEN_TYPE", `typ is not accepted; accepted: ${names} (see tokenTypes)`);
  }
  if (normalised === ACCESS_TOKEN_TYPE) return;
  // ForgeRock and Keycloak put a nonce into access tokens. If the binding is required, ID tokens with a nonce are rejected
  // because they are not bound.
  const foreign = foreignClaims.find((name) => Object.hasOwn(claims, name) && !(name === "nonce" && bindingRequired));
  if (foreign !== undefined)
    throw rejected("ERR_TOKEN_TYPE", `typ is not at+jwt, and the token has ${foreign} (ID token or security event?)`);
}

function checkAudience(audience: unknown, accepted: readonly string[] | null): void {
  if (accepted === null) return;
  const audiences = typeof audience === "string" ? [audience] : audience;
  if (!isStringList(audiences))
    throw rejected("ERR_TOKEN_AUDIENCE", "aud is missing, or neither a string nor a list of strings");
  if (!audiences.some((value) => accepted.includes(value))) {
    throw rejected("ERR_TOKEN_AUDIENCE", "aud contains none of the configured audiences (token for another API?)");
  }
}

/** The times of a token, in seconds since the epoch. */
export interface TokenTimes {
  readonly expires: number | undefined;
  readonly notBefore: number | undefined;
  readonly issued: number | undefined;
}

/**
 * Reads the times of a token.
 *
 * @throws AccessTokenError `ERR_TOKEN_CLAIM`
 */
export function timesOf(claims: JsonObject): TokenTimes {
  return {
    expires: numericDate(claims, "exp"),
    notBefore: numericDate(claims, "nbf"),
    issued: numericDate(claims, "iat"),
  };
}

function checkTimes(
  { expires, notBefore, issued }: TokenTimes,
  { clock, clockTolerance, maxTokenAge, profileRules }: VerifierConfiguration,
  required: { readonly expires: boolean; readonly issued: boolean },
): void {
  const now = currentTime(clock);
  if (expires === undefined && required.expires) throw rejected("ERR_TOKEN_CLAIM", "exp is missing");
  if (expires !== undefined && now >= expires + clockTolerance) throw rejected("ERR_TOKEN_EXPIRED", "exp has passed");
  if (notBefore !== undefined && now < notBefore - clockTolerance) {
    throw rejected("ERR_TOKEN_NOT_YET_VALID", "nbf is in the future (do the clocks differ?)");
  }
  if (issued !== undefined && profileRules.issuedAhead !== undefined && issued > now + profileRules.issuedAhead) {
    throw rejected("ERR_TOKEN_NOT_YET_VALID", `iat is more than ${profileRules.issuedAhead} s in the future`);
  }
  if (maxTokenAge === undefined || (issued === undefined && !required.issued)) return;
  if (issued === undefined) throw rejected("ERR_TOKEN_CLAIM", "iat is missing, but maxTokenAge requires it");
  if (now < issued - clockTolerance) throw rejected("ERR_TOKEN_NOT_YET_VALID", "iat is in the future");
  if (now >= issued + maxTokenAge + clockTolerance)
    throw rejected("ERR_TOKEN_EXPIRED", "the token is older than maxTokenAge");
}

/**
 * Returns whether a claim is a NumericDate (RFC 7519 section 2). Infinity, which JSON.parse returns for 1e999, is not a
 * NumericDate.
 */
export function isNumericDate(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_NUMERIC_DATE;
}

function numericDate(claims: JsonObject, name: "exp" | "nbf" | "iat"): number | undefined {
  const value = ownMember(claims, name);
  if (value === undefined) return undefined;
  if (isNumericDate(value)) return value;
  throw rejected("ERR_TOKEN_CLAIM", `${name} is not a number of seconds before the year 10000 (milliseconds?)`);
}

/** Checks the types of the claims in {@link AccessTokenClaims} that the other checks do not cover. */
function checkClaimTypes(claims: JsonObject): void {
  for (const name of ["sub", "client_id", "jti"]) {
    const value = ownMember(claims, name);
    if (value !== undefined && typeof value !== "string") throw rejected("ERR_TOKEN_CLAIM", `${name} is not a string`);
  }
  for (const name of ["aud", "scope"]) {
    const value = ownMember(claims, name);
    if (value !== undefined && typeof value !== "string" && !isStringList(value)) {
      throw rejected("ERR_TOKEN_CLAIM", `${name} is neither a string nor a list of strings`);
    }
  }
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
