// #region protectApi
import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";
// #endregion
import type { Server } from "node:https";

/** Creates an API over HTTPS. */
export function createApi(key: string, cert: string): Server {
  // #region protectApi

  const protect = protectApi({ issuer: "https://auth.example.com", audience: "https://api.example.com" });
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  // The API rejects clients without a certificate: 401, not a failed handshake.
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
  const server = createServer(tls, app);
  // #endregion
  return server;
}
