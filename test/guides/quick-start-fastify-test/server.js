import { readFileSync } from "node:fs";
import { createApp } from "./app.js";

const { ISSUER: issuer, PORT: port = 8443 } = process.env;
const [key, cert] = [readFileSync("server-key.pem"), readFileSync("server.pem")];

export const app = await createApp(
  { issuer, audience: "https://api.example.com" },
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
);
await app.listen({ port: Number(port) });
