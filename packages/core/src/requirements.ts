import type { AccessToken, AccessTokenClaims } from "./access-token.ts";
import { callApplication } from "./runtime/application-callback.ts";
import type { BindingMode } from "./binding.ts";
import { currentTime } from "./runtime/clock.ts";
import type { VerifierConfiguration } from "./options/configuration.ts";
import { AccessTokenError, type ChallengeParameters, isCertificateErrorCode, rejected } from "./errors.ts";
import { type JsonObject, ownMember } from "./values/json-object.ts";
import {
  callback,
  knownOptions,
  nonEmptyList,
  nonEmptyString,
  type OptionRules,
  seconds,
} from "./values/known-options.ts";
import type { ClientCertificateInput } from "./certificate/client-certificate.ts";

/** What one route asks of a token. Here `undefined` is rejected: a misspelled variable must not drop a requirement. */
export interface Requirements<Request = undefined> {
  /**
   * How the binding to the client's certificate is judged; default `true`: the token must be bound, and match.
   * `"when-bound"` also accepts a token without any `cnf`; `"report-only"` rejects nothing for its binding. `false` is a
   * `TypeError`.
   */
  readonly validateCertificateBinding?: BindingMode;
  /** Scopes of which the token must have all (`scope`, `scp`). */
  readonly scopes?: readonly string[];
  /** Groups of which the token must have one (`groups`, RFC 9068 section 2.2.3.1). */
  readonly groups?: readonly string[];
  /** Authentication context classes of which `acr` must be one (RFC 9470). */
  readonly acrValues?: readonly string[];
  /** The greatest age of the user's authentication (`auth_time`), in seconds (RFC 9470). */
  readonly maxAge?: number;
  /** Decides last; only `true` lets the request pass, and what is no boolean is an error of the application. */
  readonly authorize?: (token: AccessToken, request: Request) => boolean | Promise<boolean>;
}

/** Requirements that were checked. */
export type CheckedRequirements<Request> = {
  // Every member is there: an optional one would be inherited where it was not given.
  readonly [Name in keyof Requirements]-?: Requirements<Request>[Name] | undefined;
} & { readonly validateCertificateBinding: BindingMode };

// Legal between the quotes of a challenge, and without the space that separates them (RFC 6749 section 3.3).
const token = {
  expected: "printable ASCII without spaces, quotes and backslashes",
  accepts: (value: unknown) => typeof value === "string" && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value),
};

/** The rules of requirements, for option types that include them. */
const requirementRules: OptionRules<Requirements<never>> = {
  validateCertificateBinding: {
    expected:
      'true, "when-bound" (also accepts tokens without cnf) or "report-only" (rejects nothing for its binding); ' +
      "there is no other way to weaken the check",
    accepts: (value) => value === true || value === "when-bound" || value === "report-only",
  },
  scopes: nonEmptyList(token),
  groups: nonEmptyList(nonEmptyString),
  acrValues: nonEmptyList(token),
  maxAge: { ...seconds(0), accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0 },
  authorize: callback,
};

/**
 * Checks the requirements of a route, once.
 *
 * @throws TypeError that names the requirement
 */
export function parseRequirements<Request>(
  requirements: Requirements<Request>,
  configuration: VerifierConfiguration,
): CheckedRequirements<Request> {
  const given = knownOptions<Requirements<Request>>("the requirements", requirements, requirementRules, "rejected");
  return checkedRequirements(given, configuration);
}

/**
 * Fills in what was not given, in requirements whose options were checked.
 *
 * @param given without a prototype, as {@link knownOptions} makes it
 * @throws TypeError when the profile demands bound tokens and these do not, or when `"when-bound"` would take opaque tokens
 *   for unbound that the issuer does not promise to be
 */
export function checkedRequirements<Request>(
  given: Requirements<Request>,
  { introspectionMayOmitCnf, profileRules }: VerifierConfiguration,
): CheckedRequirements<Request> {
  const { validateCertificateBinding = true, scopes, groups, acrValues, maxAge, authorize } = given;
  if (profileRules.isSenderConstrained && validateCertificateBinding !== true) {
    throw new TypeError(
      'certbound: option "validateCertificateBinding" must be true: the profile demands bound tokens',
    );
  }
  if (validateCertificateBinding === "when-bound" && introspectionMayOmitCnf) {
    throw new TypeError(
      'certbound: option "validateCertificateBinding" is "when-bound", and opaque tokens are introspected: that needs ' +
        "the promise that the issuer returns cnf for bound tokens, written as introspection: { returnsConfirmation: true }",
    );
  }
  return Object.freeze({ validateCertificateBinding, scopes, groups, acrValues, maxAge, authorize });
}

/**
 * Checks scopes, groups, the user's authentication and the application's own decision, in this order.
 *
 * @throws AccessTokenError `ERR_SCOPE_INSUFFICIENT`, `ERR_AUTHENTICATION_INSUFFICIENT` or `ERR_ACCESS_DENIED`
 */
export async function checkRequirements<Request>(
  accessToken: AccessToken,
  requirements: CheckedRequirements<Request>,
  { request, configuration }: { readonly request: Request; readonly configuration: VerifierConfiguration },
): Promise<void> {
  const unmet = unmetRequirement(accessToken.claims, requirements, configuration);
  if (unmet !== undefined) throw unmet;
  const { authorize } = requirements;
  if (authorize === undefined) return;
  const decision: unknown = await callApplication("authorize", () => authorize(accessToken, request));
  if (decision === true) return;
  if (decision !== false) throw new TypeError("certbound: authorize must return true or false");
  throw rejected("ERR_ACCESS_DENIED", "authorize returned false");
}

/** Returns the error of the first requirement that claims do not meet, of those that need no callback. */
export function unmetRequirement<Request>(
  claims: AccessTokenClaims,
  { scopes, groups, acrValues, maxAge }: CheckedRequirements<Request>,
  configuration: VerifierConfiguration,
): AccessTokenError | undefined {
  if (scopes !== undefined && !hasScopes(claims, scopes)) {
    const detail = `the token lacks one of the scopes ${scopes.join(" ")}`;
    return new AccessTokenError("ERR_SCOPE_INSUFFICIENT", { detail, challenge: { scopes } });
  }
  if (groups !== undefined && !listOf(claims, "groups").some((group) => groups.includes(group))) {
    return rejected("ERR_ACCESS_DENIED", "the groups of the token hold none of the required ones");
  }
  if (acrValues === undefined && maxAge === undefined) return undefined;
  return insufficientAuthentication(claims, { acrValues, maxAge }, configuration);
}

/** So many scopes are found sooner in a list than a set of all is made; more must not cost their number squared. */
const FEW_SCOPES = 10;

/** Lists the scopes that a token was granted: `scope`, and `scp`, which some issuers send; of other shapes, nothing. */
export function grantedScopes(claims: JsonObject): readonly string[] {
  return [...listOf(claims, "scope"), ...listOf(claims, "scp")].join(" ").split(" ");
}

function hasScopes(claims: AccessTokenClaims, scopes: readonly string[]): boolean {
  const granted = grantedScopes(claims);
  if (scopes.length < FEW_SCOPES) return scopes.every((scope) => granted.includes(scope));
  const all = new Set(granted);
  return scopes.every((scope) => all.has(scope));
}

/** RFC 9470 section 3. */
function insufficientAuthentication(
  claims: AccessTokenClaims,
  challenge: ChallengeParameters,
  { clock, clockTolerance }: VerifierConfiguration,
): AccessTokenError | undefined {
  const { acrValues, maxAge } = challenge;
  const insufficient = (detail: string): AccessTokenError =>
    new AccessTokenError("ERR_AUTHENTICATION_INSUFFICIENT", { detail, challenge });
  const acr = ownMember(claims, "acr");
  if (acrValues !== undefined && !(typeof acr === "string" && acrValues.includes(acr))) {
    return insufficient("acr is missing, or not one of the required values");
  }
  if (maxAge === undefined) return undefined;
  const now = currentTime(clock);
  const time = ownMember(claims, "auth_time");
  if (typeof time === "number" && time >= now - maxAge && time <= now + clockTolerance) return undefined;
  return insufficient("auth_time is missing, in the future, or longer ago than maxAge");
}

/** The texts of a claim that is a text or a list; of other shapes, nothing. */
function listOf(claims: JsonObject, name: string): readonly string[] {
  const value = ownMember(claims, name);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === "string");
}

/** What one token is verified against. */
export interface VerifyOptions extends Requirements {
  /** The certificate that the client presented; null or `""`: none; an error: why there is none. Must be given. */
  readonly clientCertificate: ClientCertificateInput | AccessTokenError | null;
}

/** The rules of these options. */
export const verifyRules: OptionRules<VerifyOptions> = {
  ...requirementRules,
  clientCertificate: {
    expected:
      "PEM, base64 DER, bytes, an X509Certificate, { thumbprint }, an AccessTokenError with an ERR_CERTIFICATE_* code, or null",
    accepts: (value) =>
      value instanceof AccessTokenError
        ? isCertificateErrorCode(value.code)
        : // null is an object, too.
          typeof value === "string" || (typeof value === "object" && !Array.isArray(value)),
  },
};
