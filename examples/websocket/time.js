/** The clock of this machine, and its timers. */
export const systemTime = { now: Date.now, setTimeout, clearTimeout };

const LONGEST = 2 ** 31 - 1; // a longer timer would fire immediately

/**
 * Calls back at a time in milliseconds since 1970, which may be further away than the longest timer, or immediately if it
 * has passed. Returns a function that cancels the call.
 */
export function callAt(moment, callback, { now, setTimeout: start, clearTimeout: stop }) {
  let timer;
  const wait = () => {
    const remaining = Math.max(0, moment - now());
    timer = start(() => (remaining > LONGEST ? wait() : callback()), Math.min(remaining, LONGEST));
  };
  wait();
  return () => stop(timer);
}
