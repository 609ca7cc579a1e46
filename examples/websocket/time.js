/** The clock of this machine, and its timers. */
export const systemTime = { now: Date.now, setTimeout, clearTimeout };

const LONGEST = 2 ** 31 - 1; // a longer timer would fire immediately

/**
 * Calls a function at a time in milliseconds since 1970, or immediately if that time has passed. The time may be further away
 * than the longest timer of Node.js. Returns a function that cancels the call.
 */
export function callAt(time, callback, { now, setTimeout: start, clearTimeout: stop }) {
  let timer;
  const wait = () => {
    const remaining = Math.max(0, time - now());
    timer = start(() => (remaining > LONGEST ? wait() : callback()), Math.min(remaining, LONGEST));
  };
  wait();
  return () => stop(timer);
}
