import { AccessTokenError } from "../../packages/core/dist/errors.js";

/**
 * Names how a check ended: the code of its rejection, or that there was none. Whatever is no AccessTokenError is thrown on,
 * and is a finding.
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
