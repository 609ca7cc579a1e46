import type { FastifyPluginAsync } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { protectApi, type ProtectApiOptions } from "./protect-api.ts";

/**
 * The Fastify plugin: decorates the instance with `protect`, for `{ onRequest: app.protect() }`.
 *
 * Does not protect any route by itself. With the option `resource`, it serves this API's metadata (RFC 9728). With an invalid
 * option, `ready()` and `listen()` reject.
 *
 * @example
 * <!-- source: test/api-examples/fastify.examples.ts#plugin -->
 * ```ts
 * import certbound from "@certbound/fastify";
 * import fastify from "fastify";
 *
 * // The API rejects clients without a certificate: 401, not a failed handshake.
 * const app = fastify({ https: { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } });
 * await app.register(certbound, { issuer: "https://auth.example.com", audience: "https://api.example.com" });
 *
 * app.get("/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, (request) => {
 *   return { client: request.claims.client_id };
 * });
 * ```
 */
export const certbound: FastifyPluginAsync<ProtectApiOptions> = fastifyPlugin(
  async (app, options: ProtectApiOptions) => {
    app.decorateRequest("claims").decorateRequest("accessToken");
    const protect = protectApi(options);
    app.decorate("protect", protect);
    if (Object.hasOwn(options, "resource") && options.resource !== undefined)
      app.addHook("onRequest", protect.metadata());
  },
  { name: "@certbound/fastify", fastify: "5.x" },
);
