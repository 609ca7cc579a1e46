/**
 * Returns whether a value has a callable `then`. If it does, `await` waits for the value.
 *
 * Does not use `instanceof Promise`, because async functions return native promises even if the application has replaced the
 * global class (bluebird, zone.js).
 */
export function isThenable<Result>(value: Result | Promise<Result>): value is Promise<Result> {
  const mayHaveMembers = (typeof value === "object" && value !== null) || typeof value === "function";
  return mayHaveMembers && "then" in value && typeof value.then === "function";
}

/**
 * Waits for a promise up to a time limit, and ignores a later result. The timer does not keep the process alive.
 *
 * @throws Error with the message if the promise has not settled in time
 */
export async function withTimeout<Result>(
  promise: Promise<Result>,
  milliseconds: number,
  message: string,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
    timer.unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a task. If a task with the same name is in progress, returns the promise of that task instead. */
export type SingleFlight<Result> = (name: string, run: () => Promise<Result>) => Promise<Result>;

/** Creates a function that shares tasks in progress. Settled results are not cached. */
export function createSingleFlight<Result>(): SingleFlight<Result> {
  const pending = new Map<string, Promise<Result>>();
  return (name, run) => {
    const running = pending.get(name) ?? run().finally(() => pending.delete(name));
    pending.set(name, running);
    return running;
  };
}
