import { AccessTokenError, type AccessTokenErrorCode } from "../../src/errors.ts";

/** The code of a rejection, or `accepted`. */
export type Outcome = AccessTokenErrorCode | "accepted";

/** Returns the outcome of a check; rethrows every error except an AccessTokenError. */
export function outcome(check: () => unknown): Outcome {
  try {
    check();
  } catch (error) {
    return codeOf(error);
  }
  return "accepted";
}

/** Returns the outcome of an asynchronous check; rejects with every error except an AccessTokenError. */
export async function outcomeOf(check: Promise<unknown>): Promise<Outcome> {
  return check.then(() => "accepted", codeOf);
}

/** Returns the AccessTokenError of an asynchronous check; throws if it accepts, or fails with another error. */
export async function rejectionOf(check: Promise<unknown>): Promise<AccessTokenError> {
  const error = await check.then(
    () => new Error("there was no rejection"),
    (reason: unknown) => reason,
  );
  if (error instanceof AccessTokenError) return error;
  throw error;
}

/** Returns the AccessTokenError of a synchronous check. */
export function rejection(check: () => unknown): AccessTokenError {
  try {
    check();
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
  throw new Error("there was no rejection");
}

/** Returns the reason with which a promise rejects. */
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
