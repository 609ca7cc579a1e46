import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { startServer } from "@certbound/testing";
import { onTestFinished } from "vitest";

/** An HTTP endpoint on 127.0.0.1 that answers what the test wants. */
export interface Endpoint {
  /** Such as `http://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /** The paths that were asked for so far. */
  readonly requests: readonly string[];
  /** Changes the answer from now on. */
  readonly answer: (answer: Answer) => void;
  readonly close: () => Promise<void>;
}

/** Writes an answer; the path is what the client asked for. */
export type Answer = (response: ServerResponse, path: string) => void;

/** Starts an endpoint, which ends with the test. */
export async function startEndpoint(first: Answer): Promise<Endpoint> {
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
    answer: (answer) => {
      current = answer;
    },
    close,
  };
}

/** Answers 200 with a JSON document. */
export function json(document: unknown, type = "application/json"): Answer {
  return text(JSON.stringify(document), type);
}

/** Answers 200 with a text. */
export function text(body: string, type: string): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": type }).end(body);
  };
}

/** Answers with a status and a body that looks like what would be a good answer. */
export function status(code: number, document: unknown): Answer {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(document));
  };
}

/** Redirects to another place. */
export function redirect(location: string, code = 302): Answer {
  return (response) => {
    response.writeHead(code, { location }).end();
  };
}

/** Answers 200 with a body that never ends, as fast as it is read. */
export const endless: Answer = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"keys":[');
  const write = (): void => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", write);
  write();
};

/** Takes the request, and never answers. */
export const silent: Answer = () => {};

/** Sends a part of the answer, and then nothing more. */
export const stalled: Answer = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"keys":[');
};

/** Ends the connection instead of answering. */
export const hangUp: Answer = (response) => {
  response.destroy();
};
