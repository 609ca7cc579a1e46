import { protectApi } from "@certbound/express";
import { startServer } from "@certbound/testing";
import express from "express";
import { createServer } from "node:https";

/** Starts an API that accepts JWTs, and introspects opaque tokens as the client `clientId`. */
export function startApi({ certificate, issuer, audience, clientId, fetch }) {
  const protect = protectApi({
    issuer, // its metadata and keys are found by discovery
    audience,
    introspection: { clientId, clientAuthentication: "tls_client_auth" }, // necessary because some tokens are opaque
    fetch, // presents the API's certificate, and trusts the private CA of the issuer
    onRejected: ({ code }) => console.log(`  (the API's log: ${code})`),
  });
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id, format: request.accessToken.format });
  });
  const tls = {
    key: certificate.key,
    cert: certificate.certificate,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  };
  return startServer(createServer(tls, app));
}
