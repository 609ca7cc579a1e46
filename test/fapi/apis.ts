import { createServer, type ServerOptions } from "node:https";
import { protectApi as protectExpress, type VerifierOptions } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import { type RunningServer, startServer } from "@certbound/testing";
import express from "express";
import Fastify from "fastify";
import { useInExpress, useInFastify } from "../guides/interaction-id.ts";

/** How to start an API. */
export interface ApiOptions {
  readonly tls: ServerOptions;
  readonly protection: VerifierOptions;
  /** Whether every response has an x-fapi-interaction-id. */
  readonly interactionIds?: boolean;
}

/** Starts an API with the route `GET /accounts`, which returns the client, and `POST /payments`, which returns its body. */
export type StartApi = (options: ApiOptions) => Promise<RunningServer>;

/** The supported frameworks: [name, function that starts an API]. */
export const apis: readonly (readonly [string, StartApi])[] = [
  ["Express", startExpress],
  ["Fastify", startFastify],
];

async function startExpress({ tls, protection, interactionIds = false }: ApiOptions): Promise<RunningServer> {
  const app = express();
  const protect = protectExpress(protection);
  if (interactionIds) useInExpress(app);
  app.get("/accounts", protect({ scopes: ["accounts"] }), ({ claims }, response) => {
    response.json({ client: claims.client_id });
  });
  app.post("/payments", protect(), express.text({ type: "application/jwt" }), ({ body }, response) => {
    response.status(201).json({ body: body as unknown });
  });
  return startServer(createServer(tls, app));
}

async function startFastify({ tls, protection, interactionIds = false }: ApiOptions): Promise<RunningServer> {
  const app = Fastify({ https: tls });
  const protect = protectFastify(protection);
  if (interactionIds) useInFastify(app);
  app.addContentTypeParser("application/jwt", { parseAs: "string" }, async (_request: unknown, body: unknown) => body);
  app.get("/accounts", { onRequest: protect({ scopes: ["accounts"] }) }, ({ claims }) => ({
    client: claims.client_id,
  }));
  app.post("/payments", { onRequest: protect() }, ({ body }, reply) => reply.code(201).send({ body }));
  await app.ready();
  return startServer(app.server);
}
