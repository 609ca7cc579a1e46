import { type AccessTokenError, rejected } from "../../errors.ts";
import type { KeyHeader, VerificationKey } from "./key-set.ts";

/** Gives the keys of one issuer. */
export interface KeySource {
  /**
   * Finds the keys that fit a token's header; at least one.
   *
   * @throws AccessTokenError `ERR_TOKEN_KEY_UNKNOWN` when the issuer is known not to have one, `ERR_KEYS_UNAVAILABLE`
   *   when that cannot be told
   */
  find(header: KeyHeader): Promise<readonly VerificationKey[]>;
  /** Tells, without a wait, whether a key that was found may still be used: the issuer has not removed it. */
  holds(key: VerificationKey): boolean;
  /**
   * Makes sure that keys are there.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** Says that the issuer has no key for the token. */
export function unknownKey(): AccessTokenError {
  return rejected(
    "ERR_TOKEN_KEY_UNKNOWN",
    "no key of the issuer fits the kid and alg of the header: a token of another issuer, or a key it removed?",
  );
}
