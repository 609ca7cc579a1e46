import { startServer } from "@certbound/testing";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A server in place of an issuer; the test determines its responses. */
export interface IssuerEndpoint {
  /** For example `http://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /** The requests received so far, in order. */
  readonly requests: readonly ReceivedRequest[];
  /** Changes the response to all later requests. */
  readonly respondWith: (responder: Responder) => void;
}

/** A request that the server has read. */
export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Writes a response, or does not respond. */
export type Responder = (response: ServerResponse, request: ReceivedRequest) => void;

/** Starts a server on 127.0.0.1. It is closed when the test finishes. */
export async function startIssuerEndpoint(first: Responder, tls?: ServerOptions): Promise<IssuerEndpoint> {
  let current = first;
  const requests: ReceivedRequest[] = [];
  const listener = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url: path = "", headers } = incoming;
    const request = { method, path, headers, body: await text(incoming) };
    requests.push(request);
    current(response, request);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void listener(request, response);
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  const { url, close } = await startServer(server);
  onTestFinished(close);
  return {
    url,
    requests,
    respondWith: (responder) => {
      current = responder;
    },
  };
}

/** Responds with a JSON document. */
export function json(document: unknown, { status = 200, type = "application/json" } = {}): Responder {
  return body(JSON.stringify(document), { status, type });
}

/** Responds with a text. */
export function body(content: string, { status = 200, type = "application/json" } = {}): Responder {
  return (response) => {
    response.writeHead(status, { "content-type": type }).end(content);
  };
}

/** Responds with the document of the requested path, or with 404. */
export function documents(byPath: Readonly<Record<string, unknown>>): Responder {
  return (response, request) => {
    const found = Object.hasOwn(byPath, request.path);
    json(found ? byPath[request.path] : {}, { status: found ? 200 : 404 })(response, request);
  };
}
