import { isThenable, withinTime } from "./promises.ts";

/** How long a callback of the application may take, in milliseconds. */
const CALLBACK_TIMEOUT = 5000;

/**
 * Calls a function of the application; what it throws becomes a plain error with the original as `cause`.
 *
 * Such an error is the application's own, and must not look like a rejection even when the callback throws one. A result
 * that is not a promise stays one that is not. A promise that has not settled after 5 s ends as an error too.
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
  // A promise of another library need not return one from its own then.
  const own = Promise.resolve(promise).then(
    (value) => value,
    (error: unknown) => {
      throw applicationError(name, error);
    },
  );
  return withinTime(own, CALLBACK_TIMEOUT, `${name} has not settled within ${CALLBACK_TIMEOUT} ms`);
}

/** Makes the error of a callback that threw: never a rejection of the client, whatever it threw. */
export function applicationError(name: string, cause: unknown): Error {
  return new Error(`${name} threw: this is a failure of the application, not of the client`, { cause });
}
