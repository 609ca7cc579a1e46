// Replaces an authorization server: issues one token, bound to the thumbprint in a file, and publishes its keys.

import { createIssuer } from "@certbound/testing";
import { readFileSync, writeFileSync } from "node:fs";

const issuer = await createIssuer({ audience: "https://api.example.com" });
const token = await issuer.accessToken({ boundTo: readFileSync("thumbprint", "utf8").trim(), expiresIn: 3600 });
writeFileSync("token", token, { mode: 0o600 });
writeFileSync("issuer", issuer.issuer);
console.log(issuer.issuer);
