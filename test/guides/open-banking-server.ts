import { constants } from "node:crypto";
import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const [key, cert] = [required("SERVER_KEY"), required("SERVER_CERTIFICATE")];
// Without `ca`, Node.js accepts certificates of every CA that it trusts; without `crl`, revoked ones.
const [ca, crl] = [required("CLIENT_CA"), required("CLIENT_CRL")];

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

/** Returns a variable of the environment that must not be missing or empty. */
function required(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is missing or empty`);
  return value;
}
