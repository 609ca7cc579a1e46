/** Thrown if the option `clock` throws or returns a value that is not a plausible time. An error of the application. */
export class ClockError extends TypeError {}

/** 2001-09-09, in milliseconds since the epoch. A smaller value is probably in seconds. */
const EARLIEST = 1e12;

/**
 * Reads a clock and returns the time in seconds since the epoch.
 *
 * @throws ClockError if the clock throws, or returns a value that is not finite or is before 2001-09-09: expired tokens would
 *   then be accepted
 */
export function currentTime(clock: () => number): number {
  const milliseconds = read(clock);
  if (Number.isFinite(milliseconds) && milliseconds >= EARLIEST) return milliseconds / 1000;
  throw new ClockError(
    "certbound: the clock must return milliseconds (not seconds) since the epoch, for a time after 2001-09-09",
  );
}

function read(clock: () => number): number {
  try {
    return clock();
  } catch (cause) {
    throw new ClockError("certbound: the clock threw", { cause });
  }
}
