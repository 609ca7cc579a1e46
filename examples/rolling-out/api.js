import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates an API that enforces the binding according to its stage of the roll-out. */
export function createApi({ key, cert, issuer, validateCertificateBinding }) {
  const protect = protectApi({ issuer, audience: "https://api.example.com" });
  const app = express();
  app.get("/accounts", protect({ scopes: ["read"], validateCertificateBinding }), (_request, response) => {
    response.json({ accounts: [] });
  });
  // Set requestCert first: clients present certificates only to a server that requests them.
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}
