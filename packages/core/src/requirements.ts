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

/**
 * The requirements of a route. A member that is `undefined` is a `TypeError`, so that a misspelled property of a configuration
 * cannot drop a requirement.
 */
export interface Requirements<Request = undefined> {
  /**
   * How the binding to the client's certificate is enforced. Default `true`: the token must be bound to it. `"when-bound"` also
   * accepts a token without `cnf`. `"report-only"` never rejects a token because of its binding. `false` is a `TypeError`.
   */
  readonly validateCertificateBinding?: BindingMode;
  /** Scopes; the token must have all of them (`scope`, `scp`). */
  readonly scopes?: readonly string[];
  /** Groups; the token must have at least one of them (`groups`, RFC 9068 section 2.2.3.1). */
  readonly groups?: readonly string[];
  /** Authentication context classes; `acr` must be one of them (RFC 9470). */
  readonly acrValues?: readonly string[];
  /** The maximum age of the user's authentication (`auth_time`), in seconds (RFC 9470). */
  readonly maxAge?: number;
  /**
   * Runs after all other checks. `true` accepts the request and `false` rejects it with 403. Any other value is an error of the
   * application (500).
   */
  readonly authorize?: (token: AccessToken, request: Request) => boolean | Promise<boolean>;
}

/** Requirements that have been checked. */
export type CheckedRequirements<Request> = {
  // No member is optional: an absent member would be read from a polluted Object.prototype.
  readonly [Name in keyof Requirements]-?: Requirements<Request>[Name] | undefined;
} & { readonly validateCertificateBinding: BindingMode };

// Accepts the characters that a quoted string of a challenge may contain, except the space, which separates scopes (RFC 6749
// section 3.3).
const scopeToken = {
  expected: "printable ASCII without spaces, quotes and backslashes",
  accepts: (value: unknown) => typeof value === "string" && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value),
};

/** The option rules for {@link Requirements}. */
const requirementRules: OptionRules<Requirements<never>> = {
  validateCertificateBinding: {
    expected:
      'true, "when-bound" (also accepts tokens without cnf) or "report-only" (never rejects a token because of its ' +
      "binding); the check cannot be turned off",
    accepts: (value) => value === true || value === "when-bound" || value === "report-only",
  },
  scopes: nonEmptyList(scopeToken),
  groups: nonEmptyList(nonEmptyString),
  acrValues: nonEmptyList(scopeToken),
  maxAge: { ...seconds(0), accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0 },
  authorize: callback,
};

/**
 * Checks the requirements of a route when the route is created.
 *
 * @throws TypeError if a requirement is unknown or has the wrong type
 */
export function parseRequirements<Request>(
  requirements: Requirements<Request>,
  configuration: VerifierConfiguration,
): CheckedRequirements<Request> {
  const given = knownOptions<Requirements<Request>>("the requirements", requirements, requirementRules, "rejected");
  return checkedRequirements(given, configuration);
}

/**
 * Adds the default of `validateCertificateBinding` and checks that the mode is compatible with the configuration.
 *
 * @param given the result of {@link knownOptions}, which has no prototype
 * @throws TypeError if the profile requires bound tokens but the mode does not, or if the mode is `"when-bound"` and the
 *   introspection response for a bound opaque token may omit `cnf`: the token would then be accepted as unbound
 */
export function checkedRequirements<Request>(
  given: Requirements<Request>,
  { introspectionMayOmitCnf, profileRules }: VerifierConfiguration,
): CheckedRequirements<Request> {
  const { validateCertificateBinding = true, scopes, groups, acrValues, maxAge, authorize } = given;
  if (profileRules.isSenderConstrained && validateCertificateBinding !== true) {
    throw new TypeError(
      'certbound: option "validateCertificateBinding" must be true: the profile requires bound tokens',
    );
  }
  if (validateCertificateBinding === "when-bound" && introspectionMayOmitCnf) {
    throw new TypeError(
      'certbound: option "validateCertificateBinding" is "when-bound" and opaque tokens are introspected: set ' +
        "introspection: { returnsConfirmation: true } to confirm that the issuer returns cnf for bound tokens",
    );
  }
  return Object.freeze({ validateCertificateBinding, scopes, groups, acrValues, maxAge, authorize });
}

/**
 * Checks scopes, groups and the user's authentication, then calls `authorize`.
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

/** Returns the error for the first requirement that is not met, or undefined if all are met. Does not call `authorize`. */
export function unmetRequirement<Request>(
  claims: AccessTokenClaims,
  { scopes, groups, acrValues, maxAge }: CheckedRequirements<Request>,
  configuration: VerifierConfiguration,
): AccessTokenError | undefined {
  if (scopes !== undefined && !hasScopes(claims, scopes)) {
    const detail = `the token does not have all of the required scopes (${scopes.join(" ")})`;
    return new AccessTokenError("ERR_SCOPE_INSUFFICIENT", { detail, challenge: { scopes } });
  }
  if (groups !== undefined && !listOf(claims, "groups").some((group) => groups.includes(group))) {
    return rejected("ERR_ACCESS_DENIED", "the token has none of the required groups");
  }
  if (acrValues === undefined && maxAge === undefined) return undefined;
  return insufficientAuthentication(claims, { acrValues, maxAge }, configuration);
}

/** Below this number, searching a list is faster than creating a set. Above it, a set avoids quadratic time. */
const FEW_SCOPES = 10;

/** Lists the scopes that a token grants: `scope`, and `scp`, which some issuers send. Each is a string or a list of strings; anything else is ignored. */
export function grantedScopes(claims: JsonObject): readonly string[] {
  return [...listOf(claims, "scope"), ...listOf(claims, "scp")].join(" ").split(" ");
}

function hasScopes(claims: AccessTokenClaims, scopes: readonly string[]): boolean {
  const granted = grantedScopes(claims);
  if (scopes.length < FEW_SCOPES) return scopes.every((scope) => granted.includes(scope));
  const all = new Set(granted);
  return scopes.every((scope) => all.has(scope));
}

/** Returns the error for a user authentication that does not meet the requirements (RFC 9470 section 3). */
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
    return insufficient("acr is missing or is not one of the required values");
  }
  if (maxAge === undefined) return undefined;
  const now = currentTime(clock);
  const time = ownMember(claims, "auth_time");
  if (typeof time === "number" && time >= now - maxAge && time <= now + clockTolerance) return undefined;
  return insufficient("auth_time is missing, in the future, or more than maxAge seconds ago");
}

/** Lists the strings in a claim that is a string or a list. Values of other types are ignored. */
function listOf(claims: JsonObject, name: string): readonly string[] {
  const value = ownMember(claims, name);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === "string");
}

/** Options of `verify`: the requirements, and the client's certificate. */
export interface VerifyOptions extends Requirements {
  /**
   * Required. Pass null or `""` if the client presented no certificate, or an error that states why the certificate is
   * missing or unusable.
   */
  readonly clientCertificate: ClientCertificateInput | AccessTokenError | null;
}

/** The option rules for {@link VerifyOptions}. */
export const verifyRules: OptionRules<VerifyOptions> = {
  ...requirementRules,
  clientCertificate: {
    expected:
      "PEM, base64 DER, bytes, an X509Certificate, { thumbprint }, an AccessTokenError with an ERR_CERTIFICATE_* code, or null",
    accepts: (value) =>
      value instanceof AccessTokenError
        ? isCertificateErrorCode(value.code)
        : // typeof null is "object".
          typeof value === "string" || (typeof value === "object" && !Array.isArray(value)),
  },
};
