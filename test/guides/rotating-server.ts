// #region certificate
import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createSecureContext } from "node:tls";
// #endregion
import { subscribe } from "node:diagnostics_channel";
import { certificateRules, type KeysEvent, protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
// #region certificate

// Read once: reload() does not read these files again, because certificate policies keep the CAs they were created with.
const authorities = [readFileSync("client-ca-next.pem", "utf8"), readFileSync("client-ca.pem", "utf8")];
// #endregion

// #region authorities
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

/** Loads the files for new connections. Open connections do not change. If the files are not usable, nothing changes. */
export function reload(): void {
  try {
    const options = tlsOptions();
    assertUsable(options);
    server.setSecureContext(options);
  } catch (error) {
    console.error("the TLS files were not reloaded:", (error as Error).message);
  }
}
process.on("SIGHUP", reload);

/**
 * Throws if the key or the server's certificate is incomplete, or if they do not match. Does not detect that intermediate
 * certificates are missing.
 */
function assertUsable(options: ReturnType<typeof tlsOptions>): void {
  createSecureContext(options);
  // createSecureContext() accepts a key of another type than the certificate's, such as RSA instead of EC.
  if (!new X509Certificate(options.cert).checkPrivateKey(createPrivateKey(options.key))) {
    throw new Error("the key does not match the certificate");
  }
}
// #endregion

// #region keys
export function logKeys(message: unknown): void {
  const { issuer, outcome, keys, detail } = message as KeysEvent;
  console.info("keys", issuer, outcome, keys ?? detail);
}
subscribe("certbound:keys", logKeys);
// #endregion
