import type { VerifierConfiguration } from "./configuration.ts";
import type { Profile } from "./profiles.ts";

/** The options that a profile has a say in, parsed. */
export interface ProfiledOptions extends Pick<
  VerifierConfiguration,
  "issuers" | "clockTolerance" | "maxTokenAge" | "demands"
> {
  readonly profile: Profile | undefined;
  readonly tokenTypes: readonly (string | null)[] | undefined;
}

/**
 * Rejects options that would loosen what their profile demands.
 *
 * @throws TypeError that names the option
 */
export function rejectContradiction({
  profile,
  demands,
  issuers,
  tokenTypes,
  clockTolerance,
  maxTokenAge,
}: ProfiledOptions): void {
  const { tokenTypes: types, clockTolerance: tolerance, isSenderConstrained } = demands;
  if (types !== undefined && !tokenTypes?.every((type) => type !== null && types.includes(type))) {
    throw new TypeError(
      `certbound: option "tokenTypes" accepts more than ${types.join(", ")} of the profile ${profile}`,
    );
  }
  if (clockTolerance > tolerance.most) {
    throw new TypeError(`certbound: option "clockTolerance" is over the ${tolerance.most} s of the profile ${profile}`);
  }
  // FAPI 2.0 section 5.3.4: the resource server checks the revocation status.
  const endsRevoked =
    maxTokenAge !== undefined ||
    issuers.every(({ introspection }) => introspection?.always === true || introspection?.jwtsAsOpaque === true);
  if (isSenderConstrained && !endsRevoked) {
    throw new TypeError(
      `certbound: the profile ${profile} needs that revoked tokens end: option "maxTokenAge" (as many seconds as one may ` +
        'still be used), or "introspection" with { always: true } or { jwtsAsOpaque: true } for every issuer',
    );
  }
}
