import { protectApi } from "@certbound/express";
import express from "express";
import { constants } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const protect = protectApi({
  issuer: process.env.ISSUER,
  audience: "https://api.example.com",
  onRejected: (error) => console.log(`rejected: ${error.code}`),
});

const app = express();
app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});

const [key, cert, ca] = ["server-key.pem", "server.pem", "ca.pem"].map((name) => readFileSync(name));
// With STRICT=1, the handshake rejects clients without a certificate of our CA. Otherwise the API rejects them.
const clients = process.env.STRICT === "1" ? { rejectUnauthorized: true, ca } : { rejectUnauthorized: false };
// With TLS 1.2, a client that renegotiates can present a certificate without having its key.
const server = createServer(
  { key, cert, requestCert: true, ...clients, secureOptions: constants.SSL_OP_NO_RENEGOTIATION },
  app,
);
server.on("tlsClientError", (error, socket) =>
  console.log(`handshake failed: ${socket.authorizationError ?? error.code}`),
);
server.listen(process.env.PORT ?? 8443, "localhost", () => console.log(`https://localhost:${server.address().port}`));
