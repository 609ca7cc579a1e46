import { constants } from "node:crypto";
import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const [key, cert] = [requiredPem("SERVER_KEY"), requiredPem("SERVER_CERTIFICATE")];
// Without `ca`, Node.js accepts certificates of every CA that it trusts; without `crl`, revoked ones.
const ca = requiredPem("CLIENT_CA");
// Of a text with several lists, Node.js reads the first one only: give it each list by itself.
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
    // Certificates of this CA only, in date and not revoked: any other client is turned away in the handshake.
    requestCert: true,
    rejectUnauthorized: true,
    ca,
    crl,
    minVersion: "TLSv1.2",
    // No tickets, so that no session is resumed and every connection proves its certificate; and no renegotiation.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  },
  app,
);
server.listen(Number(process.env["PORT"] ?? 8443));

/** Returns a variable of the environment that must hold PEM: the text of a file, not its path. */
function requiredPem(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is missing or empty`);
  if (!value.includes("-----BEGIN "))
    throw new Error(`${name} is not PEM; set it to the text of the file, not to its path`);
  return value;
}
