// Shows more than quick-start: one line that protects all routes, scopes for each route, a custom format and a log line for
// rejections, protected resource metadata (RFC 9728), and the client's certificate.

import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates the API. `log` is called with one line at a time. */
export function createApi({ key, cert, issuer, log }) {
  const protect = protectApi({
    issuer,
    audience: "https://api.example.com",
    // Adds the URL of the metadata to challenges. The metadata lists what the API requires, such as the scopes.
    resource: "https://api.example.com",
    resourceMetadata: { resource_name: "Accounts" },
    // The reason for a rejection is logged, but not sent to the client.
    onRejected: ({ code, detail }, { method, path }) => log(`${method} ${path} ${code}: ${detail}`),
    respond: ({ status, headers, body }, _request, response) =>
      sendProblem(response.set(headers), status, body.message),
  });

  const app = express();
  app.get("/health", (_request, response) => response.json({ up: true }));

  // Requires a token for everything below, including paths that do not exist. The routes above do not require one.
  app.use(protect());

  app.get("/accounts", protect({ scopes: ["accounts:read"] }), (request, response) => {
    response.json({ accounts: ["A-1"], client: request.claims.client_id });
  });
  app.post("/payments", protect({ scopes: ["payments:write"] }), express.json(), (request, response) => {
    response.status(201).json({ to: request.body.to });
  });
  app.get("/me", (request, response) => response.json(describeClient(request.accessToken)));

  app.use((_request, response) => sendProblem(response, 404, "not found"));
  // Handles errors that are not about the token: a body that is not JSON, or a failure of the server.
  app.use((error, _request, response, _next) => {
    const status = error.status === 400 ? 400 : 500;
    sendProblem(response, status, status === 400 ? "bad request" : "internal error");
  });

  // Request a certificate from every client, and let the API reject clients without one.
  // TLS 1.3 has no renegotiation.
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}

/** @param {import("@certbound/express").AccessToken} accessToken */
function describeClient({ claims, clientCertificate }) {
  // x509 is undefined only if a proxy forwards only the thumbprint.
  const { thumbprint, x509 } = clientCertificate;
  return { client: claims.client_id, thumbprint, subject: x509.subject, validTo: x509.validTo };
}

/** Sends problem details (RFC 9457). */
function sendProblem(response, status, title) {
  response.status(status).type("application/problem+json").send(JSON.stringify({ status, title }));
}
