import { onTestFinished, vi } from "vitest";

/**
 * Divides the time limits of requests to issuers by `times` until the test ends.
 *
 * @returns the requested limits so far, in milliseconds
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
