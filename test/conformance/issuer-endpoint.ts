import { startServer } from "@certbound/testing";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A server in place of an issuer, which answers as the test wants. */
export interface IssuerEndpoint {
  /** Such as `http://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /** What it was asked so far, in order. */
  readonly questions: readonly Question[];
  /** Changes the answer from now on. */
  readonly answer: (answer: Answer) => void;
}

/** A request that the server has read. */
export interface Question {
  readonly method: string | undefined;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Writes an answer, or does not. */
export type Answer = (response: ServerResponse, question: Question) => void;

/** Starts a server on 127.0.0.1, which ends with the test. */
export async function startIssuerEndpoint(first: Answer, tls?: ServerOptions): Promise<IssuerEndpoint> {
  let current = first;
  const questions: Question[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url: path = "", headers } = request;
    const question = { method, path, headers, body: await text(request) };
    questions.push(question);
    current(response, question);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void listener(request, response);
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  const { url, close } = await startServer(server);
  onTestFinished(close);
  return {
    url,
    questions,
    answer: (answer) => {
      current = answer;
    },
  };
}

/** Answers with a JSON document. */
export function json(document: unknown, { status = 200, type = "application/json" } = {}): Answer {
  return body(JSON.stringify(document), { status, type });
}

/** Answers with a text. */
export function body(content: string, { status = 200, type = "application/json" } = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": type }).end(content);
  };
}

/** Answers with what is at each path, and with 404 at all others. */
export function documents(byPath: Readonly<Record<string, unknown>>): Answer {
  return (response, question) => {
    const found = Object.hasOwn(byPath, question.path);
    json(found ? byPath[question.path] : {}, { status: found ? 200 : 404 })(response, question);
  };
}
