// Runs a real nginx with nginx.conf in front of api.js, and sends requests as a client and as a thief.

import { createCertificateAuthority, createIssuer, mtlsRequest } from "@certbound/testing";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNginx, startNginx } from "./start-nginx.js";

const nginx = findNginx();
if (nginx === undefined) {
  console.log("skipped: nginx is not installed");
  process.exit(process.env.CI ? 1 : 0);
}

const ca = await createCertificateAuthority();
const certificate = await ca.issueServerCertificate();
const [client, thief] = await Promise.all([ca.issueClientCertificate(), ca.issueClientCertificate()]);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const secret = randomBytes(32).toString("base64url");

Object.assign(process.env, { ISSUER: issuer.issuer, PROXY_SECRET: secret, PORT: "0" });
const { server } = await import("./api.js");
if (!server.listening) await once(server, "listening");
const apiPort = server.address().port;

const folder = await mkdtemp(join(tmpdir(), "certbound-behind-nginx-"));
await writeFile(join(folder, "ca.pem"), ca.certificate);
await writeFile(join(folder, "server.pem"), certificate.certificate);
await writeFile(join(folder, "server-key.pem"), certificate.key, { mode: 0o600 });
const proxy = await startNginx(nginx, { folder, apiPort, secret });

// The client's certificate is public, and its token was stolen: the thief has both, but not the private key.
const token = await issuer.accessToken({ boundTo: client });
const forged = { "ssl-client-cert": encodeURIComponent(client.certificate), "ssl-client-verify": "SUCCESS" };
const statusOf = async (options) => {
  const response = await mtlsRequest(`${proxy.url}/accounts`, { ca: ca.certificate, token, ...options });
  return response.status;
};
const statusWithoutNginx = async (headers) => {
  const authorization = `Bearer ${token}`;
  const response = await fetch(`http://127.0.0.1:${apiPort}/accounts`, { headers: { authorization, ...headers } });
  return response.status;
};

try {
  assert.equal(await statusOf({ identity: client }), 200);
  assert.equal(await statusOf({ identity: thief }), 401);
  assert.equal(await statusOf({ identity: thief, headers: forged }), 401);
  assert.equal(await statusOf({ headers: forged }), 401);
  assert.equal(await statusWithoutNginx(forged), 401);
  assert.equal(await statusWithoutNginx({ ...forged, "x-proxy-secret": "a-guess-that-is-as-long-as-the-secret" }), 401);
} finally {
  await proxy.stop();
  server.close();
  await issuer.close();
  await rm(folder, { recursive: true });
}
console.log("200 for the client that the token is bound to; 401 for the thief, with and without nginx");
