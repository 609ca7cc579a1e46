import { onTestFinished, vi } from "vitest";
import { NOW } from "./scene.ts";

/** A clock that the test controls. */
export interface FakeTime {
  /** For verifiers: milliseconds since the epoch. */
  readonly clock: () => number;
  /** Advances the clock and `performance.now` by this number of seconds. */
  readonly advance: (seconds: number) => void;
}

/** Stops the time until the test finishes; only `advance` changes it. */
export function useFakeTime(): FakeTime {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  // A running process has a positive `performance.now`.
  vi.advanceTimersByTime(1000);
  let now = NOW * 1000;
  return {
    clock: () => now,
    advance: (seconds) => {
      now += seconds * 1000;
      vi.advanceTimersByTime(seconds * 1000);
    },
  };
}
