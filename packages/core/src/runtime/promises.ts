/**
 * Returns whether a value has to be awaited: whether it has a callable `then`, as `await` decides.
 *
 * Never `instanceof Promise`: async functions return native promises even where an application has replaced the global
 * class (bluebird, zone.js).
 */
export function isThenable<Result>(value: Result | Promise<Result>): value is Promise<Result> {
  const mayHaveMembers = (typeof value === "object" && value !== null) || typeof value === "function";
  return mayHaveMembers && "then" in value && typeof value.then === "function";
}

/**
 * Waits for a promise, and no longer than it may take; whatever comes of it afterwards is of no interest.
 *
 * The timer does not keep the process alive.
 *
 * @throws Error with the message when it has not settled in time
 */
export async function withinTime<Result>(
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

/** Runs one of a kind at a time: whoever asks for the same name meanwhile gets the same promise. */
export type SingleFlight<Result> = (name: string, run: () => Promise<Result>) => Promise<Result>;

/** Creates a single flight; what has settled is forgotten. */
export function createSingleFlight<Result>(): SingleFlight<Result> {
  const pending = new Map<string, Promise<Result>>();
  return (name, run) => {
    const running = pending.get(name) ?? run().finally(() => pending.delete(name));
    pending.set(name, running);
    return running;
  };
}
