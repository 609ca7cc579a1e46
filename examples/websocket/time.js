/** The clock of this machine, and its timers. */
export const systemTime = { now: Date.now, setTimeout, clearTimeout };

const LONGEST = 2 ** 31 - 1; // A longer timer would go off at once.

/** Calls back at a time in milliseconds since 1970, however far away, or at once if it has passed; gives what cancels that. */
export function callAt(moment, callback, { now, setTimeout: start, clearTimeout: stop }) {
  let timer;
  const wait = () => {
    const remaining = Math.max(0, moment - now());
    timer = start(() => (remaining > LONGEST ? wait() : callback()), Math.min(remaining, LONGEST));
  };
  wait();
  return () => stop(timer);
}
