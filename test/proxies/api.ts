import { createVerifier, fromProxy } from "@certbound/core";
import type { AccessTokenError, ForwardedCertificateFormat, TrustedProxy, Verifier } from "@certbound/core";
import { protectApi as protectExpress } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import { type Issuer, startServer } from "@certbound/testing";
import express from "express";
import fastify from "fastify";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";

/** A framework that the API is written in. */
export type Framework = "Express" | "Fastify";

/** How an API reads the forwarded certificate. */
export interface Forwarding {
  readonly format: ForwardedCertificateFormat;
  readonly trust: TrustedProxy;
}

/** An API that returns the client ID if the token is bound to the client's certificate. */
export interface Api {
  /** Empty for a unix socket. */
  readonly url: string;
  /** The error of the last rejected request. */
  readonly lastRejection: () => AccessTokenError | undefined;
  readonly clearRejection: () => void;
  readonly close: () => Promise<void>;
}

/** The options of `startApi`. */
export interface ApiOptions {
  readonly issuer: Issuer;
  /** The ways to read the certificate, by route: `/Express/<name>` and `/Fastify/<name>`. */
  readonly forwardings: Readonly<Record<string, Forwarding>>;
  /** The path of a unix socket. Default: a port of 127.0.0.1. */
  readonly socket?: string | undefined;
  readonly tls?: ServerOptions | undefined;
  readonly maxHeaderSize?: number | undefined;
}

/** Starts one server with the same API on Express and on Fastify. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { issuer, forwardings, socket, tls, maxHeaderSize } = options;
  let lastRejection: AccessTokenError | undefined;
  const onRejected = (error: AccessTokenError): void => void (lastRejection = error);
  const verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks });
  const handlers: Readonly<Record<Framework, RequestListener>> = {
    Express: expressApi(forwardings, { verifier, onRejected }),
    Fastify: await fastifyApi(forwardings, { verifier, onRejected }),
  };
  const handle: RequestListener = (request, response) => {
    handlers[request.url?.startsWith("/Fastify") ? "Fastify" : "Express"](request, response);
  };
  const limits = maxHeaderSize === undefined ? {} : { maxHeaderSize };
  const server = tls === undefined ? createServer(limits, handle) : createTlsServer({ ...tls, ...limits }, handle);
  const report = {
    lastRejection: () => lastRejection,
    clearRejection: () => void (lastRejection = undefined),
  };
  if (socket === undefined) return { ...report, ...(await startServer(server)) };
  server.listen(socket);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await once(server.close(), "close");
  };
  return { ...report, url: "", close };
}

interface Protection {
  readonly verifier: Verifier;
  readonly onRejected: (error: AccessTokenError) => void;
}

function expressApi(forwardings: ApiOptions["forwardings"], protection: Protection): RequestListener {
  const app = express();
  for (const [name, { format, trust }] of Object.entries(forwardings)) {
    const protect = protectExpress({ ...protection, certificateResolver: fromProxy(format, { trust }) });
    app.get(`/Express/${name}`, protect({ scopes: ["read"] }), (request, response) => {
      response.json({ client: request.claims.client_id });
    });
  }
  return app;
}

async function fastifyApi(forwardings: ApiOptions["forwardings"], protection: Protection): Promise<RequestListener> {
  const app = fastify();
  for (const [name, { format, trust }] of Object.entries(forwardings)) {
    const protect = protectFastify({ ...protection, certificateResolver: fromProxy(format, { trust }) });
    app.get(`/Fastify/${name}`, { onRequest: protect({ scopes: ["read"] }) }, (request) => ({
      client: request.claims.client_id,
    }));
  }
  await app.ready();
  return (request, response) => app.routing(request, response);
}
