// Runs server.js as the README shows it: in a folder with a server certificate, with a real issuer, over real TLS.

import { createTestKit } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const kit = await createTestKit({ audience: "https://api.example.com" });
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];

const folder = await mkdtemp(join(tmpdir(), "certbound-quick-start-"));
await writeFile(join(folder, "server-key.pem"), kit.serverOptions.key, { mode: 0o600 });
await writeFile(join(folder, "server.pem"), kit.serverOptions.cert);
process.chdir(folder);
Object.assign(process.env, { ISSUER: kit.issuer.issuer, PORT: "0" });
const { server } = await import("./server.js");
if (!server.listening) await once(server, "listening");

const token = await kit.accessToken({ boundTo: client });
const call = (options) => kit.mtlsRequest(`https://127.0.0.1:${server.address().port}/accounts`, { token, ...options });
const [own, stolen, none] = [await call({ identity: client }), await call({ identity: thief }), await call({})];
server.close();
await kit.close();
await rm(folder, { recursive: true });

assert.equal(own.status, 200);
assert.deepEqual(own.json(), { client: "client-1" });
for (const rejected of [stolen, none]) {
  assert.equal(rejected.status, 401);
  assert.deepEqual(rejected.json(), { message: "unauthorized" });
}
console.log("200 for the client that the token is bound to; 401 for another client, and without a certificate");
