import certbound, { type Protect } from "@certbound/fastify";
import fastify, { type FastifyInstance } from "fastify";

export async function createApp(protect: Protect): Promise<FastifyInstance> {
  const app = fastify();
  await app.register(certbound, {});
  app.get("/accounts", { onRequest: protect() }, async ({ claims }) => ({ client: claims.client_id }));
  return app;
}
