import type { AccessTokenClaims } from "../access-token.ts";
import { currentTime } from "../runtime/clock.ts";
import type { CompactJws } from "./compact-jws.ts";
import type { IssuerConfiguration, VerifierConfiguration } from "../options/configuration.ts";
import { rejected } from "../errors.ts";
import { type JsonObject, ownMember } from "../values/json-object.ts";
import { ACCESS_TOKEN_TYPE, defaultTokenTypes, normaliseTokenType } from "../options/token-types.ts";

/** What a token's header and claims are judged by. */
export interface ClaimRules {
  readonly configuration: VerifierConfiguration;
  /** The configured issuer that the token names. */
  readonly issuer: IssuerConfiguration | undefined;
  readonly bindingRequired: boolean;
}

/** What of a token's header is judged. */
export type TokenHeader = Pick<CompactJws, "algorithm" | "type">;

/** Claims of ID tokens, logout tokens and security events (RFC 8725 section 3.12). */
export const foreignClaims: readonly string[] = ["nonce", "at_hash", "c_hash", "events"];

/** The last second of the year 9999; a greater number is no time, or milliseconds. */
export const MAX_NUMERIC_DATE = 253_402_300_799;

/**
 * Checks algorithm, type, issuer, audience, times and the form of the other claims, in this order (RFC 9068 section 4).
 *
 * It does not look at `cnf` or at the signature, and does not compare scopes.
 *
 * @throws AccessTokenError `ERR_TOKEN_ALGORITHM`, `_TYPE`, `_ISSUER`, `_AUDIENCE`, `_EXPIRED`, `_NOT_YET_VALID`, `_CLAIM`
 */
export function checkClaims(header: TokenHeader, claims: JsonObject, rules: ClaimRules): AccessTokenClaims {
  const { configuration, issuer, bindingRequired } = rules;
  checkAlgorithm(header.algorithm, (issuer ?? configuration).algorithms);
  checkType(header.type, claims, { configuration, bindingRequired });
  if (issuer === undefined) throw rejected("ERR_TOKEN_ISSUER", "iss is not exactly one of the configured issuers");
  checkAudience(ownMember(claims, "aud"), issuer.audience);
  checkTimes(timesOf(claims), configuration, { expires: true, issued: true });
  const missing = configuration.demands.requiredClaims.find((name) => !Object.hasOwn(claims, name));
  if (missing !== undefined) throw rejected("ERR_TOKEN_CLAIM", `${missing} is missing, and the profile demands it`);
  checkForm(claims);
  return claims;
}

/** What of a token may be otherwise accepted by now, or for another use, than it was before. */
export interface AcceptedBefore {
  readonly header: TokenHeader;
  readonly claims: AccessTokenClaims;
  readonly times: TokenTimes;
}

/**
 * Checks of a token that was accepted before what may be otherwise by now, or for this use: type and times.
 *
 * @throws AccessTokenError `ERR_TOKEN_TYPE`, `_EXPIRED`, `_NOT_YET_VALID`
 */
export function recheckClaims({ header, claims, times }: AcceptedBefore, rules: Omit<ClaimRules, "issuer">): void {
  const { configuration, bindingRequired } = rules;
  checkType(header.type, claims, { configuration, bindingRequired });
  checkTimes(times, configuration, { expires: true, issued: true });
}

/** What an issuer's answer about a token is judged by. */
export interface IntrospectionRules {
  readonly configuration: VerifierConfiguration;
  /** The issuer that was asked. */
  readonly issuer: IssuerConfiguration;
  /** The verified claims of the token, when it is a JWT; undefined of an opaque one, of which only the answer is known. */
  readonly claims: AccessTokenClaims | undefined;
}

/**
 * Checks what an issuer says of an active token (RFC 7662 section 2.2): type, issuer, that `sub`, `client_id` and `jti` agree
 * with the JWT, audience, times and the form of the other claims. An opaque token need not tell when it expires: the issuer says
 * whether it is active.
 *
 * It does not look at `cnf`, and does not compare scopes.
 *
 * @throws AccessTokenError `ERR_TOKEN_TYPE`, `_ISSUER`, `_AUDIENCE`, `_EXPIRED`, `_NOT_YET_VALID`, `_CLAIM`
 */
export function checkIntrospection(response: JsonObject, rules: IntrospectionRules): AccessTokenClaims {
  const { configuration, issuer, claims } = rules;
  checkIntrospectedType(ownMember(response, "token_type"));
  const [iss, audience] = ["iss", "aud"].map((name) => ownMember(response, name));
  if (iss !== undefined && iss !== issuer.issuer) {
    throw rejected("ERR_TOKEN_ISSUER", "the iss of the answer is not the issuer that was asked");
  }
  for (const name of ["sub", "client_id", "jti"]) {
    const [asked, told] = [claims && ownMember(claims, name), ownMember(response, name)];
    if (asked !== undefined && told !== undefined && asked !== told) {
      throw rejected("ERR_TOKEN_CLAIM", `the answer of the issuer and the token differ in ${name}`);
    }
  }
  if (claims === undefined || audience !== undefined) checkAudience(audience, issuer.audience);
  checkTimes(timesOf(response), configuration, { expires: false, issued: claims === undefined });
  checkForm(response);
  return response;
}

/** Names that issuers give to what may be presented as a bearer token; a refresh token may be active, too. */
const introspectedTypes = new Set(["bearer", "access_token", "mtls_pop"]);

function checkIntrospectedType(type: unknown): void {
  if (type === undefined || (typeof type === "string" && introspectedTypes.has(type.toLowerCase()))) return;
  throw rejected("ERR_TOKEN_TYPE", `the token_type of the answer is none of ${[...introspectedTypes].join(", ")}`);
}

/**
 * Checks the algorithm of a token. Of a token of an unknown issuer, it counts when any issuer is accepted with it: that
 * issuer is rejected next.
 *
 * @throws AccessTokenError `ERR_TOKEN_ALGORITHM`
 */
export function checkAlgorithm(algorithm: string, accepted: ReadonlySet<string>): void {
  if (accepted.has(algorithm)) return;
  throw rejected("ERR_TOKEN_ALGORITHM", "the alg of the header is not one of the accepted ones");
}

function checkType(
  type: unknown,
  claims: JsonObject,
  { configuration, bindingRequired }: Omit<ClaimRules, "issuer">,
): void {
  const accepted = configuration.tokenTypes ?? defaultTokenTypes(bindingRequired);
  if (type !== undefined && typeof type !== "string") throw rejected("ERR_TOKEN_TYPE", "the typ is not a string");
  if (type === ACCESS_TOKEN_TYPE && accepted.has(type)) return;
  const normalised = type === undefined ? null : normaliseTokenType(type);
  if (!accepted.has(normalised)) {
    const names = [...accepted].map((name) => name ?? "none").join(", ");
    throw rejected("ERR_TOKEN_TYPE", `the typ is not accepted; accepted are ${names} (see tokenTypes)`);
  }
  if (normalised === ACCESS_TOKEN_TYPE) return;
  // A nonce alone proves nothing: ForgeRock and Keycloak put it into access tokens. ID tokens are not bound.
  const foreign = foreignClaims.find((name) => Object.hasOwn(claims, name) && !(name === "nonce" && bindingRequired));
  if (foreign !== undefined) throw rejected("ERR_TOKEN_TYPE", `it has ${foreign}: an ID token or an event, not at+jwt`);
}

function checkAudience(audience: unknown, accepted: readonly string[] | null): void {
  if (accepted === null) return;
  const audiences = typeof audience === "string" ? [audience] : audience;
  if (!isStringList(audiences)) throw rejected("ERR_TOKEN_AUDIENCE", "aud is missing, or not a string or list of them");
  if (!audiences.some((value) => accepted.includes(value))) {
    throw rejected("ERR_TOKEN_AUDIENCE", "aud holds none of the configured audiences: a token for another API?");
  }
}

/** The times that a token tells, in seconds since the epoch. */
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
  { clock, clockTolerance, maxTokenAge, demands }: VerifierConfiguration,
  required: { readonly expires: boolean; readonly issued: boolean },
): void {
  const now = currentTime(clock);
  if (expires === undefined && required.expires) throw rejected("ERR_TOKEN_CLAIM", "exp is missing");
  if (expires !== undefined && now >= expires + clockTolerance) throw rejected("ERR_TOKEN_EXPIRED", "exp has passed");
  if (notBefore !== undefined && now < notBefore - clockTolerance) {
    throw rejected("ERR_TOKEN_NOT_YET_VALID", "nbf is in the future: do the clocks agree?");
  }
  if (issued !== undefined && demands.issuedAhead !== undefined && issued > now + demands.issuedAhead) {
    throw rejected("ERR_TOKEN_NOT_YET_VALID", `iat is more than ${demands.issuedAhead} s in the future`);
  }
  if (maxTokenAge === undefined || (issued === undefined && !required.issued)) return;
  if (issued === undefined) throw rejected("ERR_TOKEN_CLAIM", "iat is missing, and maxTokenAge needs it");
  if (now < issued - clockTolerance) throw rejected("ERR_TOKEN_NOT_YET_VALID", "iat is in the future");
  if (now >= issued + maxTokenAge + clockTolerance) throw rejected("ERR_TOKEN_EXPIRED", "it is older than maxTokenAge");
}

/** Tells whether a claim is a NumericDate: a JSON number (RFC 7519 section 2); JSON.parse reads 1e999 as Infinity. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_NUMERIC_DATE;
}

function numericDate(claims: JsonObject, name: "exp" | "nbf" | "iat"): number | undefined {
  const value = ownMember(claims, name);
  if (value === undefined) return undefined;
  if (isNumericDate(value)) return value;
  throw rejected("ERR_TOKEN_CLAIM", `${name} is not a number of seconds before the year 10000`);
}

/** What is typed in {@link AccessTokenClaims}, and was not checked on the way. */
function checkForm(claims: JsonObject): void {
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
