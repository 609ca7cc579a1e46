import type { FastifyPluginAsync } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { protectApi, type ProtectApiOptions } from "./protect-api.ts";

/**
 * The Fastify plugin: decorates the instance with `protect`, for `{ onRequest: app.protect() }`.
 *
 * It protects no route by itself. A bad option rejects `ready()`.
 */
export const certbound: FastifyPluginAsync<ProtectApiOptions> = fastifyPlugin(
  async (app, options: ProtectApiOptions) => {
    app.decorateRequest("claims").decorateRequest("accessToken");
    app.decorate("protect", protectApi(options));
  },
  { name: "@certbound/fastify", fastify: "5.x" },
);
