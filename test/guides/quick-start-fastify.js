import { readFileSync } from "node:fs";
import certbound from "@certbound/fastify";
import fastify from "fastify";

const { ISSUER: issuer, PORT: port = 8443 } = process.env;
const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];

// For HTTP/2: fastify({ http2: true, https: { ..., allowHTTP1: true } })
export const app = fastify({
  https: { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
});
await app.register(certbound, { issuer, audience: "https://api.example.com" });
app.get("/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, (request) => {
  return { client: request.claims.client_id };
});
await app.listen({ port: Number(port) });
