import { constants } from "node:crypto";
import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
// Without `ca`, Node.js accepts certificates of every CA that it trusts.
const [key, cert, ca] = ["SERVER_KEY", "SERVER_CERTIFICATE", "CLIENT_CA"].map(requiredPem);

const app = express();

// #region rejections
const protect = protectApi({
  onRejected: (error) => console.warn("rejected:", error.code, error.detail),
});
// #endregion

app.get("/accounts", protect(), (request, response) => {
  response.json({ client: request.claims.client_id });
});

export const server = createServer(
  { key, cert, ca, requestCert: true, rejectUnauthorized: true, secureOptions: constants.SSL_OP_NO_RENEGOTIATION },
  app,
);
// #region handshakes
server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
  console.warn("handshake failed:", socket.authorizationError ?? error.code);
});
// #endregion

/** Returns an environment variable that must contain PEM text, not a path. */
function requiredPem(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is missing or empty`);
  if (!value.includes("-----BEGIN "))
    throw new Error(`${name} is not PEM text; set it to the content of the file, not to its path`);
  return value;
}
