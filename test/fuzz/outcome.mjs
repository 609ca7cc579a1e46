import { AccessTokenError } from "../../packages/core/dist/errors.js";

/**
 * Returns the error code of a rejected check, or "accepted". Rethrows every error that is not an AccessTokenError, which
 * the fuzzer reports.
 *
 * @param {() => unknown} check
 * @returns {string}
 */
export function outcomeOf(check) {
  try {
    check();
  } catch (error) {
    if (error instanceof AccessTokenError) return error.code;
    throw error;
  }
  return "accepted";
}
