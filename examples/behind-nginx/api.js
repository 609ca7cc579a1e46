import { fromProxy, nginx, protectApi } from "@certbound/express";
import express from "express";

// nginx sets this secret together with the certificate headers, so the secret proves that nginx wrote them.
const secret = { header: "x-proxy-secret", value: process.env.PROXY_SECRET };

const protect = protectApi({
  issuer: process.env.ISSUER,
  audience: "https://api.example.com",
  certificateResolver: fromProxy(nginx(), { trust: { secret, addresses: ["127.0.0.1"] } }),
  onRejected: (error) => console.log(`${error.code}: ${error.detail}`),
});

const app = express();
app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

export const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1");
