import { defaults } from "./defaults.ts";
import { ACCESS_TOKEN_TYPE } from "./token-types.ts";

/** The name of a specification whose rules are stricter than the defaults. */
export type Profile = "rfc9068" | "fapi2";

/** The rules of a profile. */
export interface ProfileRules {
  /** Claims that a JWT must have. Their types are checked even without a profile. */
  readonly requiredClaims: readonly string[];
  /** Accepted `typ` values; if undefined, the option `tokenTypes` applies. */
  readonly tokenTypes: readonly string[] | undefined;
  /** Accepted signature algorithms; all if undefined. */
  readonly algorithms: readonly string[] | undefined;
  /** The default and the maximum of the option `clockTolerance`, in seconds. */
  readonly clockTolerance: { readonly default: number; readonly max: number };
  /** How far in the future `iat` may be, in seconds; if undefined, this is limited only if `maxTokenAge` is set. */
  readonly issuedAhead: number | undefined;
  /** Whether every token must be bound and sent in the Authorization header, and the use of a revoked token must be limited. */
  readonly isSenderConstrained: boolean;
}

/** The rules that apply without a profile. */
export const defaultProfileRules: ProfileRules = {
  requiredClaims: [],
  tokenTypes: undefined,
  algorithms: undefined,
  clockTolerance: { default: defaults.clockTolerance, max: 300 },
  issuedAhead: undefined,
  isSenderConstrained: false,
};

/** The rules of each profile. */
export const profiles: Readonly<Record<Profile, ProfileRules>> = {
  // RFC 9068 sections 2.1, 2.2 and 4.
  rfc9068: {
    ...defaultProfileRules,
    requiredClaims: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    tokenTypes: [ACCESS_TOKEN_TYPE],
  },
  // FAPI 2.0 Security Profile sections 5.3.2.1 (times), 5.3.4 (resource servers) and 5.4.1 (algorithms).
  fapi2: {
    requiredClaims: [],
    tokenTypes: [ACCESS_TOKEN_TYPE],
    algorithms: ["PS256", "ES256", "EdDSA", "Ed25519"],
    clockTolerance: { default: 10, max: 60 },
    issuedAhead: 60,
    isSenderConstrained: true,
  },
};
