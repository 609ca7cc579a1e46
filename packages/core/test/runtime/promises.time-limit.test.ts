import { afterEach, expect, test, vi } from "vitest";
import { withTimeout } from "../../src/runtime/promises.ts";
import { reasonOf } from "../support/outcome.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("withTimeout returns the result of a promise that settles in time, and clears the timer", async () => {
  vi.useFakeTimers();
  expect(await withTimeout(Promise.resolve("yes"), 100, "late")).toBe("yes");
  const failure = new Error("no");
  expect(await reasonOf(withTimeout(Promise.reject(failure), 100, "late"))).toBe(failure);
  expect(vi.getTimerCount()).toBe(0);
});

test("withTimeout rejects at the time limit", async () => {
  vi.useFakeTimers();
  const reason = reasonOf(withTimeout(new Promise(() => {}), 100, "late"));
  vi.advanceTimersByTime(99);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await reason).toEqual(new Error("late"));
});
