import assert from "node:assert/strict";
import { EventEmitter } from "node:events";

/**
 * Creates a clock that stands still until it is moved, with timers that go by it; emits "cancelled" for each that was cancelled
 * before it went off.
 */
export function createTestTime() {
  let now = 1_800_000_000_000;
  const timers = new Set();
  const events = new EventEmitter();
  return Object.assign(events, {
    now: () => now,
    setTimeout: (callback, delay) => {
      assert.ok(delay >= 0 && delay < 2 ** 31, `Node has no timer of ${delay} ms`);
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
