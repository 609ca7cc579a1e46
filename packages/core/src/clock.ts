/** A clock that tells no time: a mistake of the application, never a refusal, and nobody else's failure. */
export class ClockError extends TypeError {}

/**
 * Reads a clock in seconds since the epoch.
 *
 * @throws ClockError when the clock throws, or gives no finite number: by such a time, no token would ever expire
 */
export function currentTime(clock: () => number): number {
  const milliseconds = read(clock);
  if (!Number.isFinite(milliseconds)) throw new ClockError("certbound: the clock must return a finite number");
  return milliseconds / 1000;
}

function read(clock: () => number): number {
  try {
    return clock();
  } catch (cause) {
    throw new ClockError("certbound: the clock threw", { cause });
  }
}
