// Calls api.js with tokens of both issuers, and with tokens of one issuer that imitate the other one's.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { createApi } from "./api.js";

const ca = await createCertificateAuthority();
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
// Both issuers can sign with either algorithm. The API accepts one algorithm for each issuer.
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
  mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, identity, token });

// The tokens of each issuer are accepted, with their own certificate.
for (const issuer of [workforce, partners]) {
  const token = await issue(issuer);
  const served = await call(token);
  assert.equal(served.status, 200);
  assert.deepEqual(served.json(), { issuer: issuer.issuer, client: "client-1" });
  assert.equal((await call(token, { identity: thief })).status, 401);
  assert.equal(lines.pop(), "ERR_BINDING_MISMATCH");
}

// Tokens with properties of the other issuer: one at a time, then several together.
const [{ kid }] = workforce.jwks.keys;
const forged = { algorithm: "PS256", claims: { iss: workforce.issuer, aud: workforce.audience } };
const mixes = [
  { name: "the other audience", by: partners, claims: { aud: workforce.audience }, code: "ERR_TOKEN_AUDIENCE" },
  { name: "the other audience", by: workforce, claims: { aud: partners.audience }, code: "ERR_TOKEN_AUDIENCE" },
  { name: "the other algorithm", by: partners, algorithm: "PS256", code: "ERR_TOKEN_ALGORITHM" },
  { name: "the other algorithm", by: workforce, algorithm: "ES256", code: "ERR_TOKEN_ALGORITHM" },
  { name: "the identifier of the other issuer", by: partners, claims: forged.claims, code: "ERR_TOKEN_ALGORITHM" },
  {
    name: "the identifier and the algorithm of the other issuer",
    by: partners,
    ...forged,
    code: "ERR_TOKEN_KEY_UNKNOWN",
  },
  {
    name: "the identifier, the algorithm and the key ID of the other issuer",
    by: partners,
    ...forged,
    header: { kid },
    code: "ERR_TOKEN_SIGNATURE",
  },
  { name: "an issuer that is not configured", by: stranger, code: "ERR_TOKEN_ISSUER" },
];
for (const { name, by, code, ...options } of mixes) {
  const { status } = await call(await issue(by, options));
  console.log(`${status} with ${name}: ${code}`);
  assert.equal(status, 401);
  assert.equal(lines.pop(), code);
}

// Both issuers grant the scope, but only employees may read salaries.
assert.equal((await call(await issue(workforce), { path: "/salaries" })).status, 200);
assert.equal((await call(await issue(partners), { path: "/salaries" })).status, 403);
assert.equal(lines.pop(), "ERR_ACCESS_DENIED");

await Promise.all([api, workforce, partners, stranger].map((each) => each.close()));
