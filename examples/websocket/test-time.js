import assert from "node:assert/strict";
import { EventEmitter } from "node:events";

/**
 * Creates a test clock with timers. Its time changes only through `advance`. Emits "cancelled" for each timer that is
 * cancelled before it fires.
 */
export function createTestTime() {
  let now = 1_800_000_000_000;
  const timers = new Set();
  const events = new EventEmitter();
  return Object.assign(events, {
    now: () => now,
    setTimeout: (callback, delay) => {
      assert.ok(delay >= 0 && delay < 2 ** 31, `Node.js does not support a timer of ${delay} ms`);
      const timer = { callback, due: now + delay };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      if (timers.delete(timer)) events.emit("cancelled");
    },
    pending: () => timers.size,
    advance: (seconds) => {
      now += seconds * 1000;
      for (const timer of [...timers].filter(({ due }) => due <= now)) {
        timers.delete(timer);
        timer.callback();
      }
    },
  });
}
