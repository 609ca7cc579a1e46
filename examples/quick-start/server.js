import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createApp } from "./app.js";

const app = createApp({
  issuer: process.env.ISSUER ?? "https://auth.example.com", // who issues the tokens; its keys are found by discovery
  audience: "https://api.example.com", // this API, as its tokens name it in `aud`
});

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
// Ask every client for its certificate, and let the API reject the ones without: 401, not a broken connection.
// TLS 1.3 only: it has no renegotiation.
export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
server.listen(process.env.PORT ?? 8443, () => console.log(`https://localhost:${server.address().port}`));
