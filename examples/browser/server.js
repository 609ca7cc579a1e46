import { protectApi } from "@certbound/express";
import { startServer } from "@certbound/testing";
import express from "express";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:https";
import { fileURLToPath } from "node:url";
import { createAuthorizationServer } from "./authorization-server.js";

const audience = "https://api.example.com";

/**
 * Starts the page, its API and the authorization server, all at one origin.
 *
 * If the API had another origin, it would have to accept CORS preflight requests without a certificate, because they never
 * present one. The request after a preflight presents one only if the page sets `credentials: "include"`. The Fetch
 * standard requires this; browsers differ.
 */
export async function startOrigin({ certificate, ca }) {
  // The login uses `authorized`. The API accepts the certificate that the token is bound to, from any CA.
  const tls = { key: certificate.key, cert: certificate.certificate, ca };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" });
  const { url, close } = await startServer(server);
  const origin = url.replace("127.0.0.1", "localhost");

  const signingKey = createSigningKey();
  const { handle, logIn } = createAuthorizationServer({ issuer: origin, signingKey, audience, scope: "read" });
  const { d: _private, ...publicKey } = signingKey;
  const protect = protectApi({ issuer: origin, audience, jwks: { keys: [publicKey] } });

  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    const { sub: owner, cnf } = request.claims;
    response.set("cache-control", "no-store"); // otherwise the browser may cache it
    response.json({ owner, boundTo: cnf["x5t#S256"] });
  });
  app.get("/interaction/:id", logIn);
  app.use(express.static(fileURLToPath(new URL("page", import.meta.url))));
  app.use(handle);
  server.on("request", app);
  return { origin, close };
}

export function createSigningKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid: "key-1", use: "sig", alg: "ES256" };
}
