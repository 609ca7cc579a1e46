import { onTestFinished, vi } from "vitest";
import { NOW } from "./scene.ts";

/** Time that passes when the test says so. */
export interface PassingTime {
  /** For verifiers: milliseconds since the epoch. */
  readonly clock: () => number;
  /** Lets seconds pass, for the clock and for what is measured by `performance.now`. */
  readonly pass: (seconds: number) => void;
}

/** Holds the time from now to the end of the test. */
export function holdTime(): PassingTime {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  // A process that is asked has been running for a while.
  vi.advanceTimersByTime(1000);
  let now = NOW * 1000;
  return {
    clock: () => now,
    pass: (seconds) => {
      now += seconds * 1000;
      vi.advanceTimersByTime(seconds * 1000);
    },
  };
}
