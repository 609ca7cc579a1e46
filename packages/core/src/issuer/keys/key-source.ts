import { type AccessTokenError, rejected } from "../../errors.ts";
import type { KeyHeader, VerificationKey } from "./key-set.ts";

/** Provides the keys of an issuer. */
export interface KeySource {
  /**
   * Returns the keys that match a token's header, at least one.
   *
   * @throws AccessTokenError `ERR_TOKEN_KEY_UNKNOWN` if the issuer does not have a matching key, `ERR_KEYS_UNAVAILABLE` if
   *   its keys cannot be fetched
   */
  find(header: KeyHeader): Promise<readonly VerificationKey[]>;
  /** Returns whether the issuer still publishes a key, according to the cached keys. Does not wait for a fetch. */
  holds(key: VerificationKey): boolean;
  /**
   * Fetches the keys, unless they are cached.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** Creates the error for a token whose key the issuer does not have. */
export function unknownKey(): AccessTokenError {
  return rejected(
    "ERR_TOKEN_KEY_UNKNOWN",
    "no key of the issuer matches the kid and alg of the header (token from another issuer, or key removed?)",
  );
}
