// Two issuers: one for the company's employees, one for its partners. Each has its own audience, algorithms and keys, which
// never apply to a token of the other issuer.

import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates the API. `log` is called with one line at a time. */
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
    // Identify a client by its issuer and its identifier: both issuers may have a client-1.
    const { iss: issuer, client_id: client } = request.claims;
    response.json({ issuer, client });
  });

  // Rejects tokens of the partners' issuer, even if it grants the scope.
  const isWorkforce = ({ claims }) => claims.iss === workforce;
  app.get("/salaries", protect({ scopes: ["salaries"], authorize: isWorkforce }), (_request, response) => {
    response.json({ salaries: [] });
  });

  // Request a certificate from every client, and let the API reject clients without one.
  // TLS 1.3 has no renegotiation.
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}
