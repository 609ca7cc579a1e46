// Calls server.js over mutual TLS: as the client that the tokens were issued to, as a thief, and without a certificate.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { createApi } from "./server.js";

const ca = await createCertificateAuthority();
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate({ commonName: "client-1" }),
  ca.issueClientCertificate({ commonName: "thief" }),
]);
const [issuer, closedIssuer] = await Promise.all([createIssuer(), createIssuer()]);
const lines = [];
const log = (line) => lines.push(line);
const start = (identifier) =>
  startServer(createApi({ key: host.key, cert: host.certificate, issuer: identifier, log }));
const api = await start(issuer.issuer);
const call = (path, options) => mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, ...options });

const read = await issuer.accessToken({ boundTo: client, claims: { scope: "accounts:read" } });
const other = await issuer.accessToken({ boundTo: client, claims: { scope: "payments:write" } });

const own = await call("/accounts?page=1", { identity: client, token: read });
assert.equal(own.status, 200);
assert.deepEqual(own.json(), { accounts: ["A-1"], client: "client-1" });
assert.deepEqual(lines, []);

const rejections = [
  { options: { identity: thief, token: read }, status: 401, error: "invalid_token", code: "ERR_BINDING_MISMATCH" },
  { options: { token: read }, status: 401, error: "invalid_token", code: "ERR_CERTIFICATE_MISSING" },
  { options: { identity: client }, status: 401, error: undefined, code: "ERR_TOKEN_MISSING" },
  {
    options: { identity: client, token: other },
    status: 403,
    error: "insufficient_scope",
    code: "ERR_SCOPE_INSUFFICIENT",
  },
  { options: { identity: client, token: "a b" }, status: 400, error: "invalid_request", code: "ERR_REQUEST_MALFORMED" },
];
for (const { options, status, error, code } of rejections) {
  const rejected = await call("/accounts?page=1", options);
  assert.equal(rejected.status, status);
  const challenge = rejected.headers["www-authenticate"];
  assert.equal(/ error="(\w+)"/.exec(challenge)?.[1], error);
  assert.match(challenge, /resource_metadata="https:\/\/api\.example\.com\/\.well-known\/oauth-protected-resource"/);
  assert.equal(lines.pop(), code);
}

const certificate = await call("/certificate", { identity: client, token: other });
assert.deepEqual(certificate.json(), { thumbprint: client.thumbprint, subject: "CN=client-1" });
assert.equal((await call("/certificate", { identity: thief, token: other })).status, 401);
assert.equal((await call("/nowhere", { identity: client, token: read })).status, 404);

const metadata = (await call("/.well-known/oauth-protected-resource")).json();
assert.deepEqual(metadata.authorization_servers, [issuer.issuer]);
assert.deepEqual(metadata.scopes_supported, ["accounts:read"]);

// If the issuer's keys cannot be fetched, the response is 503 with Retry-After, not 401 with invalid_token.
await closedIssuer.close();
const keyless = await start(closedIssuer.issuer);
const token = await closedIssuer.accessToken({ boundTo: client, claims: { scope: "accounts:read" } });
const unavailable = await mtlsRequest(`${keyless.url}/accounts`, {
  ca: ca.certificate,
  identity: client,
  token,
});
assert.equal(unavailable.status, 503);
assert.ok(Number(unavailable.headers["retry-after"]) > 0);
assert.equal(lines.pop(), "ERR_KEYS_UNAVAILABLE");

await Promise.all([api, keyless, issuer].map((each) => each.close()));
console.log("200 for the client; 400, 401 and 403 for rejected requests; 503 without the issuer's keys");
