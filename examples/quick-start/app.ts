import { protectApi, type ProtectApiOptions } from "@certbound/express";
import express from "express";

export function createApp(options: ProtectApiOptions) {
  const protect = protectApi(options);
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  return app;
}
