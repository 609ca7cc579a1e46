import { createServer } from "node:http";
// #region protect
import { fromProxy, nginx, protectApi } from "@certbound/express"; // or @certbound/fastify, @certbound/core
// #endregion
import express from "express";
import fastify from "fastify";

// #region protect

const { ISSUER = "https://auth.example.com", PROXY_SECRET = "" } = process.env;

// The proxy sends this secret with every request (openssl rand -base64 32). fromProxy throws if it is empty.
const trust = { secret: { header: "x-proxy-secret", value: PROXY_SECRET } };
const protect = protectApi({
  issuer: ISSUER,
  audience: "https://api.example.com",
  certificateResolver: fromProxy(nginx(), { trust }),
});
// #endregion

const app = express();
app.get("/accounts", protect(), (request, response) => {
  response.json({ client: request.claims.client_id });
});

// #region large-certificates
const expressServer = createServer({ maxHeaderSize: 65_536 }, app); // Express, node:http
const fastifyApp = fastify({ http: { maxHeaderSize: 65_536 } });
// #endregion

export { expressServer, fastifyApp };
