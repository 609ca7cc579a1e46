import { constants } from "node:crypto";
import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert, CLIENT_CA: ca } = process.env;

const app = express();

// #region log
const protect = protectApi({
  onRejected: (error) => console.warn("refused:", error.code, error.detail),
});
// #endregion

app.get("/accounts", protect(), (request, response) => {
  response.json({ client: request.claims.client_id });
});

// #region log
export const server = createServer(
  { key, cert, ca, requestCert: true, rejectUnauthorized: true, secureOptions: constants.SSL_OP_NO_RENEGOTIATION },
  app,
);
server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
  console.warn("no TLS:", socket.authorizationError ?? error.code);
});
// #endregion
