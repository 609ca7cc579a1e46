import { envoy, fromProxy, protectApi } from "@certbound/express";
import express from "express";

// Envoy sets the secret on the route that sanitizes x-forwarded-client-cert, so the secret proves that Envoy wrote the header.
const trust = { secret: { header: "x-proxy-secret", value: process.env.PROXY_SECRET } };
const issuer = { issuer: process.env.ISSUER, audience: "https://api.example.com" };

const app = express();

// Envoy at the edge, with SANITIZE_SET: one element, written by Envoy.
const protect = protectApi({ ...issuer, certificateResolver: fromProxy(envoy(), { trust }) });
app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

// In a mesh, the gateway writes the first element, for the client, and the sidecar the second one, for the gateway.
const gateway = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";
const format = envoy({ elements: 2, index: 0, lastHopUri: gateway });
const protectInMesh = protectApi({ ...issuer, certificateResolver: fromProxy(format, { trust }) });
app.get("/mesh/accounts", protectInMesh({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

export const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1");
