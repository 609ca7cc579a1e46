import type { ServerResponse } from "node:http";
import { vi } from "vitest";
import { type Answer, type Endpoint, startEndpoint } from "./endpoint.ts";

/** An endpoint that keeps those who ask waiting until the test answers them. */
export interface HeldEndpoint {
  readonly url: string;
  readonly requests: Endpoint["requests"];
  /** Waits until so many wait for an answer at once; looks every `interval` ms, so that more than those are noticed. */
  readonly waiting: (count: number, options?: { readonly interval?: number }) => Promise<void>;
  /** Answers the one who has waited longest. */
  readonly release: (answer: Answer) => void;
  /** Answers all who wait. */
  readonly releaseAll: (answer: Answer) => void;
}

/** Starts such an endpoint, which ends with the test. */
export async function startHeldEndpoint(): Promise<HeldEndpoint> {
  const held: { readonly response: ServerResponse; readonly path: string }[] = [];
  const { url, requests } = await startEndpoint((response, path) => held.push({ response, path }));
  const release = (answer: Answer): void => {
    const first = held.shift();
    if (first === undefined) throw new Error("nobody waits for an answer");
    answer(first.response, first.path);
  };
  return {
    url,
    requests,
    waiting: (count, { interval = 50 } = {}) =>
      vi.waitFor(
        () => {
          if (held.length !== count) throw new Error(`${held.length} wait for an answer, not ${count}`);
        },
        { timeout: 5000, interval },
      ),
    release,
    releaseAll: (answer) => {
      while (held.length > 0) release(answer);
    },
  };
}
