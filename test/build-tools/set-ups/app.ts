import { protectApi, type ProtectApiOptions } from "@certbound/express";
import express, { type Express } from "express";

export function createApp(options: ProtectApiOptions): Express {
  const protect = protectApi(options);
  const app = express();
  app.get("/accounts", protect(), (request, response) => {
    response.json({ client: request.claims?.client_id });
  });
  return app;
}
