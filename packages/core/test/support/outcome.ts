import { AccessTokenError, type AccessTokenErrorCode } from "../../src/errors.ts";

/** How a check ended: the code of its rejection, or that there was none. */
export type Outcome = AccessTokenErrorCode | "accepted";

/** Names how a check ended; whatever is no AccessTokenError is thrown on, and fails the test. */
export function outcome(check: () => unknown): Outcome {
  try {
    check();
  } catch (error) {
    return codeOf(error);
  }
  return "accepted";
}

/** Names how a check will have ended. */
export async function outcomeOf(check: Promise<unknown>): Promise<Outcome> {
  return check.then(() => "accepted", codeOf);
}

/** Gives the error of a check that rejects; an acceptance, or an error of any other class, fails the test. */
export async function rejectionOf(check: Promise<unknown>): Promise<AccessTokenError> {
  const error = await check.then(
    () => new Error("there was no rejection"),
    (reason: unknown) => reason,
  );
  if (error instanceof AccessTokenError) return error;
  throw error;
}

/** Gives the error of a check that rejects in the same turn. */
export function rejection(check: () => unknown): AccessTokenError {
  try {
    check();
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
  throw new Error("there was no rejection");
}

/** Gives what a promise rejects with. */
export async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("the promise was fulfilled");
    },
    (reason: unknown) => reason,
  );
}

function codeOf(error: unknown): AccessTokenErrorCode {
  if (error instanceof AccessTokenError) return error.code;
  throw error;
}
