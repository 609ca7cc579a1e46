import type { VerifierConfiguration } from "./configuration.ts";
import type { Profile } from "./profiles.ts";

/** The parsed options that a profile restricts. */
export interface ProfiledOptions extends Pick<
  VerifierConfiguration,
  "issuers" | "clockTolerance" | "maxTokenAge" | "profileRules"
> {
  readonly profile: Profile | undefined;
  readonly tokenTypes: readonly (string | null)[] | undefined;
}

/**
 * Rejects options that are less strict than the profile.
 *
 * @throws TypeError that names the option
 */
export function rejectContradiction({
  profile,
  profileRules,
  issuers,
  tokenTypes,
  clockTolerance,
  maxTokenAge,
}: ProfiledOptions): void {
  const { tokenTypes: types, clockTolerance: tolerance, isSenderConstrained } = profileRules;
  if (types !== undefined && !tokenTypes?.every((type) => type !== null && types.includes(type))) {
    throw new TypeError(
      `certbound: option "tokenTypes" must contain only ${types.join(", ")} with the profile ${profile}`,
    );
  }
  if (clockTolerance > tolerance.max) {
    throw new TypeError(
      `certbound: option "clockTolerance" must be at most ${tolerance.max} s with the profile ${profile}`,
    );
  }
  // FAPI 2.0 section 5.3.4: the resource server checks the revocation status.
  const limitsRevokedTokens =
    maxTokenAge !== undefined ||
    issuers.every(({ introspection }) => introspection?.always === true || introspection?.jwtsAsOpaque === true);
  if (isSenderConstrained && !limitsRevokedTokens) {
    throw new TypeError(
      `certbound: the profile ${profile} requires a limit for revoked tokens: set option "maxTokenAge" (how many seconds ` +
        'a revoked token stays usable), or "introspection" with { always: true } or { jwtsAsOpaque: true } for every issuer',
    );
  }
}
