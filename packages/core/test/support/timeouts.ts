import { onTestFinished, vi } from "vitest";

/**
 * Makes the time limits of requests to issuers shorter until the test ends, in real time: a hundred times unless said
 * otherwise.
 *
 * @returns the limits that were set so far, in milliseconds
 */
export function shortenTimeouts(times = 100): readonly number[] {
  const limits: number[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    limits.push(milliseconds);
    return timeout(milliseconds / times);
  });
  onTestFinished(() => spy.mockRestore());
  return limits;
}
