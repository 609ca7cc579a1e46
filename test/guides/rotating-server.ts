import { constants } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createSecureContext } from "node:tls";
import { subscribe } from "node:diagnostics_channel";
import { certificateRules, type KeysEvent, protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
// #region authorities
const authorities = [readFileSync("client-ca-next.pem", "utf8"), readFileSync("client-ca.pem", "utf8")];
const protect = protectApi({ certificatePolicy: certificateRules({ issuers: authorities }) });
// #endregion

const app = express();
app.get("/accounts", protect(), (request, response) => {
  response.json({ client: request.claims.client_id });
});

// #region certificate
const tlsOptions = () => ({
  key: readFileSync("server-key.pem"),
  cert: readFileSync("server.pem"),
  ca: authorities,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
});

export const server = createServer({ ...tlsOptions(), requestCert: true, rejectUnauthorized: false }, app);

/** New connections get what is in the files now; open ones stay as they are. Files that are not usable change nothing. */
export function reload(): void {
  try {
    const options = tlsOptions();
    // Throws if a file is half-written, or if the key does not match. setSecureContext() would change some options first.
    createSecureContext(options);
    server.setSecureContext(options);
  } catch (error) {
    console.error("the TLS files were not reloaded:", (error as Error).message);
  }
}
process.on("SIGHUP", reload);
// #endregion

// #region keys
export function logKeys(message: unknown): void {
  const { issuer, outcome, keys, detail } = message as KeysEvent;
  console.info("keys", issuer, outcome, keys ?? detail);
}
subscribe("certbound:keys", logKeys);
// #endregion
