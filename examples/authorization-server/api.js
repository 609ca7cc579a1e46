import { protectApi } from "@certbound/express";
import { startServer } from "@certbound/testing";
import express from "express";
import { createServer } from "node:https";

/** Starts an API that is told two things: whose tokens it accepts, and how they name it. */
export function startApi({ certificate, issuer, audience, fetch }) {
  const protect = protectApi({
    issuer, // its metadata and keys are found by discovery
    audience,
    fetch, // only because the certificate of the issuer is not of a public authority
    onRejected: ({ code }) => console.log(`  (the API's log: ${code})`),
  });
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  const tls = { key: certificate.key, cert: certificate.certificate, requestCert: true, rejectUnauthorized: false };
  return startServer(createServer(tls, app));
}
