import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { protectApi } from "@certbound/express";
import express from "express";

const { ISSUER: issuer, PORT: port = 8443 } = process.env;
const protect = protectApi({ issuer, audience: "https://api.example.com" });

const app = express();
app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
server.listen(port);
