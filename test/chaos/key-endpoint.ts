import { startServer } from "@certbound/testing";
import { EventEmitter, once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

/** The key set endpoint of an issuer. */
export interface KeyEndpoint {
  readonly url: string;
  /** The number of requests so far. */
  readonly requestCount: () => number;
  /** Resolves when a request waits for its response. */
  readonly waiting: () => Promise<void>;
  /** Responds with these keys from now on, also to pending requests. */
  readonly publish: (keys: readonly object[]) => void;
  /** Closes every connection without a response from now on. */
  readonly stop: () => void;
  readonly close: () => Promise<void>;
}

/** Starts an endpoint that sends no response until keys are published. */
export async function startKeyEndpoint(): Promise<KeyEndpoint> {
  const pending: ServerResponse[] = [];
  const events = new EventEmitter();
  let document: string | undefined;
  let isStopped = false;
  let requestCount = 0;
  const respond = (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json", connection: "close" }).end(document);
  };
  const server = createServer((_request, response) => {
    requestCount += 1;
    if (isStopped) {
      response.destroy();
    } else if (document === undefined) {
      pending.push(response);
      events.emit("waiting");
    } else {
      respond(response);
    }
  });
  const { url, close } = await startServer(server);
  return {
    url: `${url}/jwks`,
    requestCount: () => requestCount,
    waiting: async () => {
      if (pending.length === 0) await once(events, "waiting");
    },
    publish: (keys) => {
      document = JSON.stringify({ keys });
      isStopped = false;
      for (const response of pending.splice(0)) respond(response);
    },
    stop: () => {
      isStopped = true;
    },
    close,
  };
}
