// Two issuers: one for the company's own people, one for its partners. Each has its own audience, algorithms and keys, and
// what is configured for one never counts for a token of the other.

import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates the API; `log` takes one line at a time. */
export function createApi({ key, cert, workforce, partners, log }) {
  const protect = protectApi({
    issuer: [
      { issuer: workforce, audience: "https://api.example.com/internal", algorithms: ["PS256"] },
      { issuer: partners, audience: "https://api.example.com", algorithms: ["ES256"] },
    ],
    onRejected: ({ code }) => log(code),
  });

  const app = express();
  app.get("/orders", protect({ scopes: ["orders"] }), (request, response) => {
    // A client is known by its issuer and its identifier: both issuers may have a client-1.
    const { iss: issuer, client_id: client } = request.claims;
    response.json({ issuer, client });
  });

  // Whatever scopes the partners' issuer grants.
  const isWorkforce = ({ claims }) => claims.iss === workforce;
  app.get("/salaries", protect({ scopes: ["salaries"], authorize: isWorkforce }), (_request, response) => {
    response.json({ salaries: [] });
  });

  // Ask every client for its certificate, and let the API reject the ones without.
  // TLS 1.3 only: it has no renegotiation.
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}
