import type { ServerResponse } from "node:http";
import { vi } from "vitest";
import { type Responder, type Endpoint, startEndpoint } from "./endpoint.ts";

/** An endpoint that holds requests until the test responds to them. */
export interface HeldEndpoint {
  readonly url: string;
  readonly requests: Endpoint["requests"];
  /** Waits until exactly `count` requests are held, and checks this every `interval` ms. */
  readonly waiting: (count: number, options?: { readonly interval?: number }) => Promise<void>;
  /** Responds to the request that has been held longest. */
  readonly release: (responder: Responder) => void;
  /** Responds to all held requests. */
  readonly releaseAll: (responder: Responder) => void;
}

/** Starts such an endpoint, which is closed after the test. */
export async function startHeldEndpoint(): Promise<HeldEndpoint> {
  const held: { readonly response: ServerResponse; readonly path: string }[] = [];
  const { url, requests } = await startEndpoint((response, path) => held.push({ response, path }));
  const release = (responder: Responder): void => {
    const first = held.shift();
    if (first === undefined) throw new Error("no request is held");
    responder(first.response, first.path);
  };
  return {
    url,
    requests,
    waiting: (count, { interval = 50 } = {}) =>
      vi.waitFor(
        () => {
          if (held.length !== count) throw new Error(`${held.length} requests are held, not ${count}`);
        },
        { timeout: 5000, interval },
      ),
    release,
    releaseAll: (responder) => {
      while (held.length > 0) release(responder);
    },
  };
}
