import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createApp } from "./app.js";

const { ISSUER: issuer, PORT: port = 8443 } = process.env;
const app = createApp({ issuer, audience: "https://api.example.com" });

const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];
export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
server.listen(port);
