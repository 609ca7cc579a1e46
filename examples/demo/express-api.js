import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates the API on Express: two routes, each with its own requirements. */
export function createExpressApi({ tls, protection }) {
  const protect = protectApi(protection);
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  app.post("/payments", protect({ scopes: ["pay"] }), (_request, response) => {
    response.status(201).json({ paid: true });
  });
  return createServer(tls, app);
}
