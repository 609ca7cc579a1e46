// Calls api.js over mutual TLS: as the client that the tokens were issued to, as a thief, and without a certificate.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createApi } from "./api.js";

const ca = await createCertificateAuthority();
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate({ commonName: "client-1" }),
  ca.issueClientCertificate({ commonName: "thief" }),
]);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const lines = [];
const log = (line) => lines.push(line);
const server = await createApi({ key: host.key, cert: host.certificate, issuer: issuer.issuer, log });
const api = await startServer(server);

const read = await issuer.accessToken({ boundTo: client, claims: { scope: "accounts:read" } });
const write = await issuer.accessToken({ boundTo: client, claims: { scope: "payments:write" } });
const call = (path, options) => mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, ...options });
const metadata = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"';

// Without a token: a route outside the protected contexts, and the metadata.
assert.equal((await call("/health")).status, 200);
const described = await call("/.well-known/oauth-protected-resource");
assert.equal(described.status, 200);
assert.deepEqual(described.json(), {
  resource: "https://api.example.com",
  authorization_servers: [issuer.issuer],
  bearer_methods_supported: ["header"],
  scopes_supported: ["accounts:read", "payments:write"],
  tls_client_certificate_bound_access_tokens: true,
  resource_name: "Accounts",
});
const anonymous = await call("/accounts");
assert.equal(anonymous.status, 401);
assert.equal(anonymous.headers["www-authenticate"], `Bearer realm="api", ${metadata}`);
assert.match(lines.pop(), /^GET \/accounts ERR_TOKEN_MISSING: /);

// A token is valid only with its own certificate. The schema removes members of the response that it does not list.
const own = await call("/accounts", { identity: client, token: read });
assert.equal(own.status, 200);
assert.deepEqual(own.json(), { accounts: [{ number: "A-1" }], client: "client-1" });
assert.equal(lines.length, 0);
const stolen = await call("/accounts", { identity: thief, token: read });
assert.equal(stolen.status, 401);
assert.deepEqual(stolen.json(), { message: "unauthorized" });
assert.match(lines.pop(), /^GET \/accounts ERR_BINDING_MISMATCH: /);

// Each context requires a different scope.
const headers = { "content-type": "application/json" };
const pay = (token, body, identity = client) =>
  call("/payments", { method: "POST", identity, token, headers, body: JSON.stringify(body) });
const paid = await pay(write, { to: "A-2", amount: 5 });
assert.equal(paid.status, 201);
assert.deepEqual(paid.json(), { to: "A-2" });
const forbidden = await pay(read, { to: "A-2", amount: 5 });
assert.equal(forbidden.status, 403);
assert.match(forbidden.headers["www-authenticate"], /error="insufficient_scope".* scope="payments:write"/);
assert.equal((await call("/accounts", { identity: client, token: write })).status, 403);

// The schema validates a body only if the client was accepted.
assert.equal((await pay(write, { to: "A-2", amount: 0 })).status, 400);
assert.equal((await pay(write, { to: "A-2", amount: 0 }, thief)).status, 401);

// The API can read the client's certificate.
const { subject, validTo } = new X509Certificate(client.certificate);
const owner = await call("/accounts/owner", { identity: client, token: read });
assert.deepEqual(owner.json(), { client: "client-1", thumbprint: client.thumbprint, subject, validTo });
assert.equal((await call("/accounts/owner", { identity: thief, token: read })).status, 401);

await Promise.all([api.close(), issuer.close()]);
console.log("200 for the client, 403 in the context of another scope, 401 for the thief, with any body");
