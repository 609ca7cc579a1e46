import { onTestFinished, vi } from "vitest";

/**
 * Makes the time limits of requests to issuers a hundred times as short until the test ends, in real time.
 *
 * @returns the limits that were set so far, in milliseconds
 */
export function shortenTimeouts(): readonly number[] {
  const limits: number[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    limits.push(milliseconds);
    return timeout(milliseconds / 100);
  });
  onTestFinished(() => spy.mockRestore());
  return limits;
}
