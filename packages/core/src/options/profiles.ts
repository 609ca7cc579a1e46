import { defaults } from "./defaults.ts";
import { ACCESS_TOKEN_TYPE } from "./token-types.ts";

/** A set of rules that a specification makes, stricter than the defaults. */
export type Profile = "rfc9068" | "fapi2";

/** What a profile demands. */
export interface ProfileDemands {
  /** Claims that a JWT must have; of which form is checked without a profile, too. */
  readonly requiredClaims: readonly string[];
  /** Accepted `typ` values; undefined: it is for the options to say. */
  readonly tokenTypes: readonly string[] | undefined;
  /** Undefined: all. */
  readonly algorithms: readonly string[] | undefined;
  /** How far clocks differ, in seconds, unless the options say otherwise; and what they may say at most. */
  readonly clockTolerance: { readonly usual: number; readonly most: number };
  /** How far in the future `iat` may be, in seconds; undefined: limited with `maxTokenAge` only. */
  readonly issuedAhead: number | undefined;
  /** Every token must be bound, and come in the Authorization header; and a revoked one must end. */
  readonly isSenderConstrained: boolean;
}

/** Without a profile. */
export const defaultDemands: ProfileDemands = {
  requiredClaims: [],
  tokenTypes: undefined,
  algorithms: undefined,
  clockTolerance: { usual: defaults.clockTolerance, most: 300 },
  issuedAhead: undefined,
  isSenderConstrained: false,
};

/** The profiles, by their names. */
export const profiles: Readonly<Record<Profile, ProfileDemands>> = {
  // RFC 9068 sections 2.1, 2.2 and 4.
  rfc9068: {
    ...defaultDemands,
    requiredClaims: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    tokenTypes: [ACCESS_TOKEN_TYPE],
  },
  // FAPI 2.0 Security Profile sections 5.3.2.1 (times), 5.3.4 (resource servers) and 5.4.1 (algorithms).
  fapi2: {
    requiredClaims: [],
    tokenTypes: [ACCESS_TOKEN_TYPE],
    algorithms: ["PS256", "ES256", "EdDSA", "Ed25519"],
    clockTolerance: { usual: 10, most: 60 },
    issuedAhead: 60,
    isSenderConstrained: true,
  },
};
