// #region plugin
import certbound from "@certbound/fastify";
import fastify from "fastify";

const { ISSUER = "https://auth.example.com", SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

// Request a certificate from every client. The API rejects clients without one: 401, not a failed handshake.
// TLS 1.3 has no renegotiation.
const app = fastify({ https: { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } });

await app.register(certbound, { issuer: ISSUER, audience: "https://api.example.com" });

app.get("/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, (request) => {
  return { client: request.claims.client_id };
});
// #endregion

await app.ready();

export const { server } = app;
