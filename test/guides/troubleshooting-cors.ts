import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

const protect = protectApi();
const app = express();

// #region cors
app.use((request, response, next) => {
  // Set these on every response. Without them, the page cannot even see the status 401.
  response.set({
    "Access-Control-Allow-Origin": "https://app.example.com",
    "Access-Control-Allow-Headers": "Authorization",
    "Access-Control-Allow-Credentials": "true",
    Vary: "Origin",
  });
  // A preflight has no token and, according to the standard, no certificate.
  if (request.method === "OPTIONS") response.status(204).end();
  else next();
});
app.use(protect());
// #endregion

app.get("/accounts", (request, response) => {
  response.json({ client: request.claims.client_id });
});

export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
