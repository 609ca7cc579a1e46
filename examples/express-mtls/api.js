// More than quick-start: all routes behind one line, scopes for each, rejections in a form of our own, a line in the log for
// each of them, what the API says of itself (RFC 9728), and the client's certificate.

import { protectApi } from "@certbound/express";
import express from "express";
import { createServer } from "node:https";

/** Creates the API; `log` takes one line at a time. */
export function createApi({ key, cert, issuer, log }) {
  const protect = protectApi({
    issuer,
    audience: "https://api.example.com",
    // Challenges name the metadata, which is made of what is enforced here.
    resource: "https://api.example.com",
    resourceMetadata: { resource_name: "Accounts" },
    // The client is not told why it was rejected; the log is.
    onRejected: ({ code, detail }, { method, path }) => log(`${method} ${path} ${code}: ${detail}`),
    respond: ({ status, headers, body }, _request, response) =>
      sendProblem(response.set(headers), status, body.message),
  });

  const app = express();
  app.get("/health", (_request, response) => response.json({ up: true }));

  // Everything below needs a token, what does not exist included; everything above needs none.
  app.use(protect());

  app.get("/accounts", protect({ scopes: ["accounts:read"] }), (request, response) => {
    response.json({ accounts: ["A-1"], client: request.claims.client_id });
  });
  app.post("/payments", protect({ scopes: ["payments:write"] }), express.json(), (request, response) => {
    response.status(201).json({ to: request.body.to });
  });
  app.get("/me", (request, response) => response.json(describeClient(request.accessToken)));

  app.use((_request, response) => sendProblem(response, 404, "not found"));
  // Not about the token: a body that is no JSON, or a fault of ours.
  app.use((error, _request, response, _next) => {
    const status = error.status === 400 ? 400 : 500;
    sendProblem(response, status, status === 400 ? "bad request" : "internal error");
  });

  // Ask every client for its certificate, and let the API reject the ones without.
  // TLS 1.3 only: it has no renegotiation.
  return createServer({ key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" }, app);
}

/** @param {import("@certbound/express").AccessToken} accessToken */
function describeClient({ claims, clientCertificate }) {
  // x509 is undefined only behind a proxy that forwards nothing but the thumbprint.
  const { thumbprint, x509 } = clientCertificate;
  return { client: claims.client_id, thumbprint, subject: x509.subject, validTo: x509.validTo };
}

/** RFC 9457. */
function sendProblem(response, status, title) {
  response.status(status).type("application/problem+json").send(JSON.stringify({ status, title }));
}
