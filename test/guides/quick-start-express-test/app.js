import { protectApi } from "@certbound/express";
import express from "express";

/** @param {import("@certbound/express").ProtectApiOptions} options */
export function createApp(options) {
  const protect = protectApi(options);
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  return app;
}
