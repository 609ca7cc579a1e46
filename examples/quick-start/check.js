// Runs server.js as it stands in the README: in a folder with a server certificate, with a real issuer, over real TLS.

import { createCertificateAuthority, createIssuer, mtlsRequest } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const authority = await createCertificateAuthority();
const certificate = await authority.issueServerCertificate();
const [client, thief] = await Promise.all([authority.issueClientCertificate(), authority.issueClientCertificate()]);
const issuer = await createIssuer({ audience: "https://api.example.com" });

const folder = await mkdtemp(join(tmpdir(), "certbound-quick-start-"));
await writeFile(join(folder, "server-key.pem"), certificate.key, { mode: 0o600 });
await writeFile(join(folder, "server.pem"), certificate.certificate);
process.chdir(folder);
Object.assign(process.env, { ISSUER: issuer.issuer, PORT: "0" });
const { server } = await import("./server.js");
if (!server.listening) await once(server, "listening");

const token = await issuer.accessToken({ boundTo: client });
const ask = (identity) =>
  mtlsRequest(`https://127.0.0.1:${server.address().port}/accounts`, { ca: authority.certificate, identity, token });
const [own, stolen] = [await ask(client), await ask(thief)];
server.close();
await issuer.close();
await rm(folder, { recursive: true });

assert.equal(own.status, 200);
assert.deepEqual(own.json(), { client: "client-1" });
assert.equal(stolen.status, 401);
assert.deepEqual(stolen.json(), { message: "unauthorized" });
console.log("200 for the client that the token is bound to, 401 for another one");
