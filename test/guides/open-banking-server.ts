import { constants } from "node:crypto";
import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const [key, cert] = [requiredPem("SERVER_KEY"), requiredPem("SERVER_CERTIFICATE")];
// Without `ca`, Node.js accepts certificates of every CA that it trusts. Without `crl`, it accepts revoked ones.
const ca = requiredPem("CLIENT_CA");
// Node.js reads only the first list of a PEM text with several lists: pass each list separately.
const crl = requiredPem("CLIENT_CRL")
  .split(/(?=-----BEGIN )/)
  .filter((list) => list.startsWith("-----BEGIN "));

const app = express();
const protect = protectApi({ profile: "fapi2", maxTokenAge: 600 });

app.get("/accounts", protect({ scopes: ["accounts"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

export const server = createServer(
  {
    key,
    cert,
    // The handshake rejects clients without a valid, unrevoked certificate of this CA.
    requestCert: true,
    rejectUnauthorized: true,
    ca,
    crl,
    minVersion: "TLSv1.2",
    // FAPI 2.0 permits only these cipher suites with TLS 1.2. The suites of TLS 1.3 are not affected.
    ciphers: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES256-GCM-SHA384",
    ].join(":"),
    // Disables renegotiation. Also disables session resumption, so that the client proves its certificate on every connection.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  },
  app,
);
server.listen(Number(process.env["PORT"] ?? 8443));

/** Returns an environment variable that must contain PEM text, not a path. */
function requiredPem(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is missing or empty`);
  if (!value.includes("-----BEGIN "))
    throw new Error(`${name} is not PEM text; set it to the content of the file, not to its path`);
  return value;
}
