import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createApp } from "./app.js";

const app = createApp({
  issuer: process.env.ISSUER ?? "https://auth.example.com", // the issuer of the tokens; its keys are found by discovery
  audience: "https://api.example.com", // this API, as in the `aud` claim of its tokens
});

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
// Request a certificate from every client. The API rejects clients without one: 401, not a failed handshake.
// TLS 1.3 has no renegotiation.
export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
server.listen(process.env.PORT ?? 8443, () => console.log(`https://localhost:${server.address().port}`));
