// Calls api.js with tokens of both issuers, and with tokens that pass for those of the other one.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { createApi } from "./api.js";

const authority = await createCertificateAuthority();
const [host, client, thief] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate(),
  authority.issueClientCertificate(),
]);
// Both can sign with either algorithm; the API accepts one of each.
const [workforce, partners, stranger] = await Promise.all([
  createIssuer({ audience: "https://api.example.com/internal", algorithms: ["PS256", "ES256"] }),
  createIssuer({ audience: "https://api.example.com", algorithms: ["ES256", "PS256"] }),
  createIssuer({ audience: "https://api.example.com" }),
]);
const lines = [];
const issuers = { workforce: workforce.issuer, partners: partners.issuer };
const log = (line) => lines.push(line);
const api = await startServer(createApi({ key: host.key, cert: host.certificate, ...issuers, log }));

const issue = (issuer, { claims, ...options } = {}) =>
  issuer.accessToken({ boundTo: client, claims: { scope: "orders salaries", ...claims }, ...options });
const call = (token, { path = "/orders", identity = client } = {}) =>
  mtlsRequest(`${api.url}${path}`, { ca: authority.certificate, identity, token });

// The tokens of each issuer are good, with their own certificate.
for (const issuer of [workforce, partners]) {
  const token = await issue(issuer);
  const served = await call(token);
  assert.equal(served.status, 200);
  assert.deepEqual(served.json(), { issuer: issuer.issuer, client: "client-1" });
  assert.equal((await call(token, { identity: thief })).status, 401);
  assert.equal(lines.pop(), "ERR_BINDING_MISMATCH");
}

// What belongs to the other issuer, one thing at a time, and then together.
const [{ kid }] = workforce.jwks.keys;
const forged = { algorithm: "PS256", claims: { iss: workforce.issuer, aud: workforce.audience } };
const mixes = [
  { name: "the other audience", by: partners, claims: { aud: workforce.audience }, code: "ERR_TOKEN_AUDIENCE" },
  { name: "the other audience", by: workforce, claims: { aud: partners.audience }, code: "ERR_TOKEN_AUDIENCE" },
  { name: "the other algorithm", by: partners, algorithm: "PS256", code: "ERR_TOKEN_ALGORITHM" },
  { name: "the other algorithm", by: workforce, algorithm: "ES256", code: "ERR_TOKEN_ALGORITHM" },
  { name: "the name of the other issuer", by: partners, claims: forged.claims, code: "ERR_TOKEN_ALGORITHM" },
  { name: "and its algorithm", by: partners, ...forged, code: "ERR_TOKEN_KEY_UNKNOWN" },
  { name: "and the name of its key", by: partners, ...forged, header: { kid }, code: "ERR_TOKEN_SIGNATURE" },
  { name: "an issuer that is not configured", by: stranger, code: "ERR_TOKEN_ISSUER" },
];
for (const { name, by, code, ...options } of mixes) {
  const { status } = await call(await issue(by, options));
  console.log(`${status} with ${name}: ${code}`);
  assert.equal(status, 401);
  assert.equal(lines.pop(), code);
}

// Both issuers grant the scope; one of them is asked about salaries.
assert.equal((await call(await issue(workforce), { path: "/salaries" })).status, 200);
assert.equal((await call(await issue(partners), { path: "/salaries" })).status, 403);
assert.equal(lines.pop(), "ERR_ACCESS_DENIED");

await Promise.all([api, workforce, partners, stranger].map((each) => each.close()));
