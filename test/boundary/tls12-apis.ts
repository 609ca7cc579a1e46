import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import {
  AccessTokenError,
  type AccessTokenErrorCode,
  type AuthenticatorOptions,
  createAuthenticator,
  type IncomingRequest,
  type ResolvedCertificate,
  type Verifier,
  type VerifierOptions,
} from "@certbound/core";
import { protectApi as protectWithExpress } from "@certbound/express";
import { protectApi as protectWithFastify } from "@certbound/fastify";
import { startServer, type StartableServer } from "@certbound/testing";
import express from "express";
import fastify, { type FastifyInstance } from "fastify";
import { onTestFinished } from "vitest";

/** Options of an API of these tests. */
export interface ApiOptions extends VerifierOptions {
  /** Replaces the verifier options. Unlike the types of the packages, this type permits both at once. */
  readonly verifier?: Verifier;
  readonly tls: ServerOptions;
  /** Called and awaited by the application before `protect()`. */
  readonly before: (request: IncomingMessage) => Promise<unknown>;
  readonly certificateResolver?: (request: IncomingRequest) => ResolvedCertificate | Promise<ResolvedCertificate>;
}

/** The decision of an API about a request. */
export interface Decision {
  readonly outcome: "accepted" | AccessTokenErrorCode;
  readonly detail?: string | undefined;
}

/** A listening API. */
export interface Api {
  readonly url: string;
  readonly port: number;
  /** Resolves with the next decision. Must be called before the request is sent. */
  readonly nextDecision: () => Promise<Decision>;
}

type RequestListener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;
type Report = (result: "accepted" | Error) => void;
type Backend = (options: ApiOptions, report: Report) => StartableServer | Promise<StartableServer>;

/** Every way in which Node can receive a request over a TLS 1.2 connection that can be renegotiated. */
export const backends: Readonly<Record<string, Backend>> = {
  "node:https": ({ tls, ...options }, report) => createServer(tls, listener(options, report)),
  "node:http2 with allowHTTP1": ({ tls, ...options }, report) => {
    const server = createSecureServer({ ...tls, allowHTTP1: true });
    // HTTP/1.1 requests have the request object of node:http.
    return server.on("request", listener(options, report) as unknown as RequestListener);
  },
  "an upgrade of node:https": ({ tls, ...options }, report) =>
    createServer(tls).on("upgrade", listener(options, report)),
  Express: ({ tls, before, ...options }, report) => {
    const protect = protectWithExpress({ ...options, onRejected: report } as object);
    const app = express().use((request, _response, next) => void before(request).then(() => next(), next));
    app.use(protect(), (_request, response) => {
      report("accepted");
      response.end();
    });
    return createServer(tls, app);
  },
  Fastify: async ({ tls, before, ...options }, report) => {
    const app = fastify({ https: tls }) as unknown as FastifyInstance;
    app.addHook("onRequest", async ({ raw }) => before(raw));
    const protect = protectWithFastify({ ...options, onRejected: report } as object);
    app.post("/", { onRequest: protect() }, async () => {
      report("accepted");
      return "";
    });
    await app.ready();
    return app.server;
  },
};

/** Starts an API that ends with the test. */
export async function startApi(backend: Backend, options: ApiOptions): Promise<Api> {
  const decisions = new EventEmitter();
  const server = await backend(options, (result) => {
    if (result === "accepted") decisions.emit("decision", { outcome: result });
    else if (result instanceof AccessTokenError) {
      decisions.emit("decision", { outcome: result.code, detail: result.detail });
    } else decisions.emit("error", result);
  });
  const { url, close } = await startServer(server);
  onTestFinished(close);
  const nextDecision = async (): Promise<Decision> => ((await once(decisions, "decision")) as [Decision])[0];
  return { url, port: (server.address() as AddressInfo).port, nextDecision };
}

function listener({ before, ...options }: Omit<ApiOptions, "tls">, report: Report) {
  const authenticate = createAuthenticator(options as AuthenticatorOptions<IncomingRequest>)();
  return (request: IncomingMessage, response: { end(): unknown }): void => {
    before(request)
      .then(async () => authenticate(request))
      .then(() => report("accepted"), report)
      .finally(() => response.end());
  };
}
