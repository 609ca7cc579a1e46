import { isThenable, withinTime } from "./promises.ts";

/** The maximum duration of a callback of the application, in milliseconds. */
const CALLBACK_TIMEOUT = 5000;

/**
 * Calls a function of the application. If it throws, throws a plain error with the original as `cause`, so that even an
 * `AccessTokenError` from a callback does not look like a rejection of the client.
 *
 * A result that is not a promise is returned synchronously. A promise that does not settle within 5 s is rejected.
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
  // The `then` of a foreign promise does not have to return a promise.
  const native = Promise.resolve(promise).then(
    (value) => value,
    (error: unknown) => {
      throw applicationError(name, error);
    },
  );
  return withinTime(native, CALLBACK_TIMEOUT, `${name} has not settled within ${CALLBACK_TIMEOUT} ms`);
}

/** Creates the error for a callback that threw, never a rejection of the client. */
export function applicationError(name: string, cause: unknown): Error {
  return new Error(`${name} threw: this is a failure of the application, not of the client`, { cause });
}
