import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { startServer } from "@certbound/testing";
import { onTestFinished } from "vitest";

/** An HTTP endpoint on 127.0.0.1 whose responses the test defines. */
export interface Endpoint {
  /** For example `http://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /** The paths of the requests so far. */
  readonly requests: readonly string[];
  /** Replaces the response to all further requests. */
  readonly respondWith: (responder: Responder) => void;
  readonly close: () => Promise<void>;
}

/** Writes the response to a request for this path. */
export type Responder = (response: ServerResponse, path: string) => void;

/** Starts an endpoint, which is closed after the test. */
export async function startEndpoint(first: Responder): Promise<Endpoint> {
  let current = first;
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    const path = request.url ?? "";
    requests.push(path);
    current(response, path);
  };
  const { url, close } = await startServer(createServer(listener));
  onTestFinished(close);
  return {
    url,
    requests,
    respondWith: (responder) => {
      current = responder;
    },
    close,
  };
}

/** Responds with 200 and a JSON document. */
export function json(document: unknown, type = "application/json"): Responder {
  return text(JSON.stringify(document), type);
}

/** Responds with 200 and a text. */
export function text(body: string, type: string): Responder {
  return (response) => {
    response.writeHead(200, { "content-type": type }).end(body);
  };
}

/** Responds with this status, and a body that would be valid in a successful response. */
export function status(code: number, document: unknown): Responder {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(document));
  };
}

/** Redirects to another URL. */
export function redirect(location: string, code = 302): Responder {
  return (response) => {
    response.writeHead(code, { location }).end();
  };
}

/** Responds with 200 and an endless body, as fast as it is read. */
export const endless: Responder = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"keys":[');
  const write = (): void => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", write);
  write();
};

/** Accepts the request, and never responds. */
export const silent: Responder = () => {};

/** Sends a part of the response, and then nothing more. */
export const stalled: Responder = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"keys":[');
};

/** Closes the connection without a response. */
export const hangUp: Responder = (response) => {
  response.destroy();
};
