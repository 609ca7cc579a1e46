import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createApp } from "./app.ts";

const app = createApp({
  issuer: process.env.ISSUER ?? "https://auth.example.com", // its keys are found by discovery
  audience: "https://api.example.com", // this API, as in the `aud` claim of its tokens
});
const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
// Requests a certificate from every client. A client without one gets 401 from the API, not a failed handshake.
export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
server.listen(Number(process.env.PORT ?? 8443), () => console.log(server.address()));
