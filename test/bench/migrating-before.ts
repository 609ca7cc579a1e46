import type { TLSSocket } from "node:tls";
import express, { type Express } from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";

export function createApp(issuer: string, audience: string): Express {
  // #region before
  const checkToken = auth({
    issuerBaseURL: issuer,
    audience,
    mtls: { enabled: true, required: true },
    getCertificate: (request) => (request.socket as TLSSocket).getPeerX509Certificate()?.raw,
  });

  const app = express();
  app.get("/accounts", checkToken, requiredScopes("read"), (request, response) => {
    response.json({ client: request.auth?.payload["client_id"] });
  });
  // #endregion
  return app;
}
