// #region plugin
import certbound from "@certbound/fastify";
import fastify from "fastify";
// #endregion
// #region protectApi
import { protectApi } from "@certbound/fastify";
// #endregion
import type { Server } from "node:https";

/** Creates an API over HTTPS with the plugin. */
export async function createApi(key: string, cert: string): Promise<Server> {
  // #region plugin

  // The API rejects clients without a certificate: 401, not a failed handshake.
  const app = fastify({ https: { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } });
  await app.register(certbound, { issuer: "https://auth.example.com", audience: "https://api.example.com" });

  app.get("/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, (request) => {
    return { client: request.claims.client_id };
  });
  // #endregion
  await app.ready();
  return app.server;
}

/** Creates an API over HTTPS without the plugin. */
export async function createApiWithoutPlugin(key: string, cert: string): Promise<Server> {
  const app = fastify({ https: { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } });
  // #region protectApi

  const protect = protectApi({ issuer: "https://auth.example.com", audience: "https://api.example.com" });

  app.get("/accounts", { onRequest: protect({ scopes: ["read"] }) }, (request) => {
    return { client: request.claims.client_id };
  });
  // #endregion
  await app.ready();
  return app.server;
}
