import { startServer } from "@certbound/testing";
import { EventEmitter, once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

/** Where an issuer publishes its keys. */
export interface KeyEndpoint {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: () => number;
  /** Waits until somebody waits for an answer. */
  readonly held: () => Promise<void>;
  /** Publishes these keys from now on, to those who wait as well. */
  readonly publish: (keys: readonly object[]) => void;
  /** Hangs up on everybody from now on. */
  readonly goAway: () => void;
  readonly close: () => Promise<void>;
}

/** Starts an endpoint that keeps everybody waiting until it publishes something. */
export async function startKeyEndpoint(): Promise<KeyEndpoint> {
  const waiting: ServerResponse[] = [];
  const events = new EventEmitter();
  let document: string | undefined;
  let isAway = false;
  let asked = 0;
  const answer = (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json", connection: "close" }).end(document);
  };
  const server = createServer((_request, response) => {
    asked += 1;
    if (isAway) {
      response.destroy();
    } else if (document === undefined) {
      waiting.push(response);
      events.emit("held");
    } else {
      answer(response);
    }
  });
  const { url, close } = await startServer(server);
  return {
    url: `${url}/jwks`,
    asked: () => asked,
    held: async () => {
      if (waiting.length === 0) await once(events, "held");
    },
    publish: (keys) => {
      document = JSON.stringify({ keys });
      isAway = false;
      for (const response of waiting.splice(0)) answer(response);
    },
    goAway: () => {
      isAway = true;
    },
    close,
  };
}
