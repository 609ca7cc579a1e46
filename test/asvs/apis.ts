import { createServer, type ServerOptions } from "node:https";
import { protectApi as protectExpress, type VerifierOptions } from "@certbound/express";
import { protectApi as protectFastify } from "@certbound/fastify";
import { type RunningServer, startServer } from "@certbound/testing";
import express from "express";
import Fastify from "fastify";
import { type Account, mayRead, usedHardwareKey, userOf } from "../guides/access-decisions.ts";

/** How to start an API. */
export interface ApiOptions {
  readonly tls: ServerOptions;
  readonly protection: VerifierOptions;
  readonly accounts: readonly Account[];
}

/** Starts an API with the routes `/accounts/:id`, `/transfers`, which requires a strong and recent login, and `/user`. */
export type StartApi = (options: ApiOptions) => Promise<RunningServer>;

/** The supported frameworks: [name, function that starts an API]. */
export const apis: readonly (readonly [string, StartApi])[] = [
  ["Express", startExpress],
  ["Fastify", startFastify],
];

async function startExpress({ tls, protection, accounts }: ApiOptions): Promise<RunningServer> {
  const app = express();
  const protect = protectExpress(protection);
  const find = (id: unknown) => accounts.find((account) => account.id === id);
  // #region routes
  const ownAccount = protect({
    scopes: ["accounts"],
    authorize: (token, request) => mayRead(token, find(request.params["id"])),
  });
  app.get("/accounts/:id", ownAccount, (request, response) => {
    response.json({ id: request.params["id"] });
  });

  const strongLogin = protect({ acrValues: ["urn:example:sca"], maxAge: 300, authorize: usedHardwareKey });
  app.get("/transfers", strongLogin, (_request, response) => {
    response.json({});
  });
  // #endregion
  app.get("/user", protect(), ({ claims }, response) => void response.json({ user: userOf(claims) }));
  return startServer(createServer(tls, app));
}

async function startFastify({ tls, protection, accounts }: ApiOptions): Promise<RunningServer> {
  const app = Fastify({ https: tls });
  const protect = protectFastify(protection);
  const find = (id: unknown) => accounts.find((account) => account.id === id);
  const ownAccount = protect({
    scopes: ["accounts"],
    authorize: (token, request) => mayRead(token, find((request.params as { readonly id?: string }).id)),
  });
  app.get("/accounts/:id", { onRequest: ownAccount }, ({ params }) => params);
  const strongLogin = protect({ acrValues: ["urn:example:sca"], maxAge: 300, authorize: usedHardwareKey });
  app.get("/transfers", { onRequest: strongLogin }, () => ({}));
  app.get("/user", { onRequest: protect() }, ({ claims }) => ({ user: userOf(claims) }));
  await app.ready();
  return startServer(app.server);
}
