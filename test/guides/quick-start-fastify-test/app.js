import certbound from "@certbound/fastify";
import fastify from "fastify";

/**
 * @param {import("@certbound/fastify").ProtectApiOptions} options
 * @param {import("node:https").ServerOptions} https
 */
export async function createApp(options, https) {
  const app = fastify({ https });
  await app.register(certbound, options);
  app.get("/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, (request) => {
    return { client: request.claims.client_id };
  });
  return app;
}
