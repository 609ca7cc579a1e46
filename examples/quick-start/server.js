import { protectApi } from "@certbound/express";
import express from "express";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const protect = protectApi({
  issuer: process.env.ISSUER, // "https://auth.example.com": its keys are found by discovery
  audience: "https://api.example.com",
});

const app = express();
app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
// Ask every client for its certificate, and let the API refuse the ones without: 401, not a broken connection.
const tls = { key, cert, requestCert: true, rejectUnauthorized: false };
export const server = createServer(tls, app).listen(process.env.PORT ?? 8443);
