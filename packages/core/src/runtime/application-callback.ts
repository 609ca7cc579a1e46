import { isThenable, withTimeout } from "./promises.ts";

/** The maximum duration of a callback of the application, in milliseconds. */
const CALLBACK_TIMEOUT = 5000;

/**
 * Calls a callback of the application. If it throws or rejects, throws a plain error with the original as `cause`, so that even
 * an `AccessTokenError` from a callback does not look like a rejection of the client.
 *
 * If the callback returns a value that is not a promise, returns this value synchronously. Otherwise returns a promise,
 * which rejects if the promise of the callback does not settle within 5 s.
 */
export function callApplication<Result>(name: string, call: () => Result | Promise<Result>): Result | Promise<Result> {
  try {
    const result = call();
    return isThenable(result) ? settled(name, result) : result;
  } catch (cause) {
    throw applicationError(name, cause);
  }
}

async function settled<Result>(name: string, promise: Promise<Result>): Promise<Result> {
  // The `then` of a custom promise does not have to return a promise.
  const native = Promise.resolve(promise).then(
    (value) => value,
    (error: unknown) => {
      throw applicationError(name, error);
    },
  );
  return withTimeout(native, CALLBACK_TIMEOUT, `certbound: ${name} has not settled within ${CALLBACK_TIMEOUT} ms`);
}

/** Creates the error for a callback that threw. It is not an AccessTokenError. */
export function applicationError(name: string, cause: unknown): Error {
  return new Error(`certbound: ${name} threw; this is an error of the application, not of the client`, { cause });
}
