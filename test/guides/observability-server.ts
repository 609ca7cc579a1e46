import { createServer, type Server } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";
import type { Logger } from "pino";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

export function createApi(log: Logger): Server {
  // #region on-rejected
  const protect = protectApi({
    onRejected: ({ code, detail }, request) => log.info({ code, detail, path: request.path }, "request rejected"),
  });
  // #endregion
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}
