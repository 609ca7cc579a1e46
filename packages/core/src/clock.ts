/**
 * Reads a clock in seconds since the epoch.
 *
 * @throws TypeError when the clock gives no finite number: by such a time, no token would ever expire
 */
export function currentTime(clock: () => number): number {
  const milliseconds = clock();
  if (!Number.isFinite(milliseconds)) throw new TypeError("certbound: the clock must return a finite number");
  return milliseconds / 1000;
}
