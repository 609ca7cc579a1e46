import { randomUUID } from "node:crypto";
import type { Server } from "node:https";
import type { Express } from "express";
import type { FastifyInstance } from "fastify";

export function useInExpress(app: Express): void {
  // #region express
  const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

  // Before the routes, so that responses to rejected requests have the header as well.
  app.use((request, response, next) => {
    const id = request.get("x-fapi-interaction-id");
    response.set("x-fapi-interaction-id", id !== undefined && uuid.test(id) ? id : randomUUID());
    next();
  });
  // #endregion
}

export function useInFastify(app: FastifyInstance<Server>): void {
  // #region fastify
  const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

  app.addHook("onRequest", async (request, reply) => {
    const id = request.headers["x-fapi-interaction-id"];
    reply.header("x-fapi-interaction-id", typeof id === "string" && uuid.test(id) ? id : randomUUID());
  });
  // #endregion
}
