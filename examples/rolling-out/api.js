import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates an API that asks for the binding as far as its stage of the rollout says. */
export function createApi({ key, cert, issuer, validateCertificateBinding }) {
  const protect = protectApi({ issuer, audience: "https://api.example.com" });
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"], validateCertificateBinding }), (_request, response) => {
    response.json({ accounts: [] });
  });
  // Before anything else: only a server that asks for certificates gets to see them.
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}
