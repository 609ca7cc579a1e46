/** Thrown if `options.clock` throws or returns a value that is not a plausible time; an error of the application. */
export class ClockError extends TypeError {}

/** 2001-09-09, in milliseconds since the epoch. A smaller value is in seconds, or is not the current time. */
const EARLIEST = 1e12;

/**
 * Reads a clock in seconds since the epoch.
 *
 * @throws ClockError if the clock throws, or returns a value that is not finite or before 2001-09-09, with which expired tokens
 *   would be valid
 */
export function currentTime(clock: () => number): number {
  const milliseconds = read(clock);
  if (Number.isFinite(milliseconds) && milliseconds >= EARLIEST) return milliseconds / 1000;
  throw new ClockError(
    "certbound: the clock must return milliseconds since the epoch, not seconds, and not before 2001",
  );
}

function read(clock: () => number): number {
  try {
    return clock();
  } catch (cause) {
    throw new ClockError("certbound: the clock threw", { cause });
  }
}
