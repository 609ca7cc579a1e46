import certbound from "@certbound/fastify";
import fastify from "fastify";

/** Creates the same API on Fastify. */
export async function createFastifyApi({ tls, protection }) {
  const app = fastify({ https: tls });
  await app.register(certbound, protection);
  app.get("/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, (request) => ({
    client: request.claims.client_id,
  }));
  app.post("/payments", { onRequest: app.protect({ scopes: ["pay"] }) }, async (_request, reply) => {
    reply.code(201);
    return { paid: true };
  });
  await app.ready();
  return app.server;
}
