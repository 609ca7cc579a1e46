// Two tenants call api.js over mutual TLS, each with a valid token and certificate. For every accepted call, there is a
// rejected one that differs in one detail.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createApi } from "./api.js";

const [ca, otherCa] = await Promise.all([createCertificateAuthority(), createCertificateAuthority()]);
const named = (tenant) => ({
  commonName: `${tenant} payments`,
  subjectAlternativeNames: [`URI:spiffe://bank.example/${tenant}`],
});
const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
const [host, acme, otherAcme, globex, initech, expired, impostor] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(named("acme")),
  ca.issueClientCertificate(named("acme")),
  ca.issueClientCertificate(named("globex")),
  ca.issueClientCertificate(named("initech")),
  ca.issueClientCertificate({ ...named("acme"), notAfter: yesterday }),
  otherCa.issueClientCertificate(named("acme")),
]);
const issuer = await createIssuer({ audience: "https://api.bank.example" });
const lines = [];
let failingAction; // start of the action whose log line cannot be written
const log = (line) => {
  const entry = JSON.parse(line);
  if (failingAction !== undefined && entry.action?.startsWith(failingAction))
    throw new Error("the disk of 10.0.0.1 is full");
  lines.push(entry);
};
let time = Date.now(); // the clock of the limits
const now = () => time;
const tls = { key: host.key, cert: host.certificate };
const options = { ...tls, issuer: issuer.issuer, ca: ca.certificate, log, now };
const api = await startServer(createApi(options));

const issue = (identity, tenant, claims) =>
  issuer.accessToken({
    boundTo: identity,
    claims: { client_id: `${tenant}-app`, sub: "alice", tenant_id: tenant, scope: "accounts:read", ...claims },
  });
const call = async (path, { identity, token, payment, text = payment && JSON.stringify(payment) }) => {
  const body = text && {
    method: "POST",
    body: text,
    headers: { "content-type": "application/json" },
  };
  const response = await mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, identity, token, ...body });
  return { status: response.status, body: response.json(), challenge: response.headers["www-authenticate"] };
};

// Each tenant sees its own accounts, and no others.
const ofAcme = { identity: acme, token: await issue(acme, "acme") };
const ofGlobex = { identity: globex, token: await issue(globex, "globex") };
const numbers = ({ body }) => body.map(({ number }) => number);
assert.deepEqual(numbers(await call("/accounts", ofAcme)), ["A-1", "A-2"]);
assert.deepEqual(numbers(await call("/accounts", ofGlobex)), ["G-1"]);
assert.equal((await call("/accounts/A-1", ofAcme)).body.balance, 5_000_000);
assert.equal((await call("/accounts/G-1", ofGlobex)).body.balance, 700_000);
for (const [path, credentials] of [
  ["/accounts/A-1", ofGlobex],
  ["/accounts/G-1", ofAcme],
  ["/accounts/X-1", ofAcme],
]) {
  assert.equal((await call(path, credentials)).status, 403);
  assert.equal(lines.pop().code, "ERR_ACCESS_DENIED");
}

// The audit line of an action also identifies the client by its certificate.
const { subject, serialNumber } = new X509Certificate(globex.certificate);
const client = { tenant: "globex", client: "globex-app", user: "alice", subject, serialNumber };
assert.deepEqual(lines.at(-1), { action: "read G-1", ...client });
assert.deepEqual(
  lines.map(({ action }) => action),
  ["list accounts", "list accounts", "read A-1", "read G-1"],
);

// Rejects tokens and certificates of different tenants, or without a tenant.
for (const [identity, token, code] of [
  [globex, ofAcme.token, "ERR_BINDING_MISMATCH"], // stolen
  [acme, await issue(acme, "globex"), "ERR_CERTIFICATE_UNTRUSTED"], // the token is for another tenant than the certificate
  [acme, await issue(acme, "acme", { tenant_id: undefined }), "ERR_CERTIFICATE_UNTRUSTED"],
  [initech, await issue(initech, "initech"), "ERR_CERTIFICATE_UNTRUSTED"], // from our CA, but not a tenant
  [expired, await issue(expired, "acme"), "ERR_CERTIFICATE_UNTRUSTED"],
  [impostor, await issue(impostor, "acme"), "ERR_CERTIFICATE_UNTRUSTED"], // the right name, from another CA
]) {
  for (const [path, payment] of [["/accounts"], ["/accounts/A-1"], ["/payments", "not even a payment"]]) {
    assert.equal((await call(path, { identity, token, payment })).status, 401);
    assert.equal(lines.pop().code, code);
  }
}

// Payments: the scope, and the account.
const seconds = Math.floor(Date.now() / 1000);
const payAs = async (payment, claims, identity = acme) => {
  const token = await issue(identity, "acme", { scope: "payments:write", ...claims });
  return call("/payments", { identity, token, payment });
};
const small = { from: "A-1", to: "G-1", amount: 99_999 };
assert.deepEqual((await payAs(small)).body, small);
assert.equal(lines.at(-1).action, "pay 99999 from A-1 to G-1");
assert.match(
  (await payAs(small, { scope: "accounts:read" })).challenge,
  /error="insufficient_scope".*scope="payments:write"/,
);
assert.equal((await payAs({ ...small, from: "G-1", to: "A-1" })).status, 403);
assert.equal((await payAs({ ...small, amount: -1 })).status, 400);

// A large payment needs a strong login within the last five minutes.
const large = { ...small, amount: 100_000 };
const strong = { acr: "urn:bank.example:strong", auth_time: seconds - 60 };
assert.equal((await payAs(large, strong)).status, 201);
for (const claims of [{}, { ...strong, acr: "urn:bank.example:password" }, { ...strong, auth_time: seconds - 600 }]) {
  const { status, challenge } = await payAs(large, claims);
  assert.equal(status, 401);
  assert.match(challenge, /error="insufficient_user_authentication"/);
  assert.match(challenge, /acr_values="urn:bank\.example:strong", max_age="300"/);
}

// If two payments from one account within a day are large together, the second one needs the strong login. This
// also applies to concurrent payments, and to another client and user of the tenant.
const half = { ...small, amount: 60_000 };
const day = 24 * 60 * 60 * 1000;
const other = { client_id: "other-app", sub: "bob" };
time += day;
assert.equal((await payAs(half)).status, 201);
assert.match((await payAs(half)).challenge, /error="insufficient_user_authentication"/);
assert.equal((await payAs(half, other, otherAcme)).status, 401);
assert.equal((await payAs(half, strong)).status, 201);
assert.equal((await payAs({ ...small, amount: 39_999 })).status, 201); // a payment with a strong login does not count
assert.equal((await payAs({ ...small, amount: 1 })).status, 401);
time += day - 1;
assert.equal((await payAs(half)).status, 401);
time += 1;
const statuses = (responses) => responses.map(({ status }) => status).toSorted((one, two) => one - two);
assert.deepEqual(statuses(await Promise.all([payAs(half), payAs(half, other, otherAcme)])), [201, 401]);
assert.equal((await payAs(half)).status, 401);

// A payment that was not possible does not count.
const empty = { ...half, from: "A-2" };
for (const payment of [empty, empty]) assert.equal((await payAs(payment)).status, 409);
assert.equal((await payAs({ ...half, to: "A-2" }, strong)).status, 201);
assert.equal((await payAs(empty)).status, 201);

// A payment of one cent counts, and the number of payments is limited too.
time += day;
for (let count = 0; count < 20; count += 1) assert.equal((await payAs({ ...small, amount: 1 })).status, 201);
assert.equal((await payAs({ ...small, amount: 1 })).status, 401);
assert.equal((await payAs({ ...small, amount: 1 }, strong)).status, 201);

// A body that is not JSON, a body that is too large, and a failure of the server: the response contains only the status text.
const paying = { identity: acme, token: await issue(acme, "acme", { scope: "payments:write" }) };
const reading = { identity: acme, token: ofAcme.token };
for (const [path, credentials, status, message, error] of [
  ["/payments", { ...paying, text: "{ not JSON" }, 400, "bad request", "entity.parse.failed"],
  ["/payments", { ...paying, text: JSON.stringify("x".repeat(2000)) }, 413, "payload too large", "entity.too.large"],
  ["/accounts", reading, 500, "internal server error", "the disk of 10.0.0.1 is full"],
]) {
  failingAction = "list accounts";
  const response = await call(path, credentials);
  assert.deepEqual([response.status, response.body], [status, { message }]);
  assert.deepEqual([lines.at(-1).status, lines.at(-1).error.includes(error)], [status, true]);
}
failingAction = undefined;
assert.equal((await call("/accounts", reading)).status, 200);

// A payment whose audit line cannot be written is not made and does not count, so the client can try again.
time += day;
failingAction = "pay";
const balances = async () => [
  (await call("/accounts/A-1", ofAcme)).body.balance,
  (await call("/accounts/G-1", ofGlobex)).body.balance,
];
const before = await balances();
for (const claims of [{}, strong]) {
  const response = await payAs(half, claims);
  assert.deepEqual([response.status, response.body], [500, { message: "internal server error" }]);
}
assert.deepEqual(await balances(), before);
failingAction = undefined;
assert.equal((await payAs(half)).status, 201);
assert.equal(lines.at(-1).action, "pay 60000 from A-1 to G-1");
assert.deepEqual(await balances(), [before[0] - 60_000, before[1] + 60_000]);

// A payment to the same account is invalid: it is not logged, and does not count.
const lineCount = lines.length;
const toItself = await payAs({ ...small, amount: 39_999, to: "A-1" });
assert.deepEqual([toItself.status, toItself.body], [400, { message: "not a payment" }]);
assert.equal(lines.length, lineCount);
assert.equal((await payAs({ ...small, amount: 39_999 })).status, 201);

// The response to a path that does not exist does not repeat the path.
for (const [path, credentials] of [
  ["/nothing/<b>", ofAcme],
  ["/nothing/<b>", {}],
  ["/payments", ofAcme],
]) {
  const response = await call(path, credentials);
  assert.deepEqual([response.status, response.body], [404, { message: "not found" }]);
}

// Rejected payments moved no money.
const toGlobex = 99_999 + 100_000 + 60_000 + 60_000 + 39_999 + 60_000 + 21 + 60_000 + 39_999;
assert.equal((await call("/accounts/A-1", ofAcme)).body.balance, 5_000_000 - toGlobex - 60_000);
assert.equal((await call("/accounts/G-1", ofGlobex)).body.balance, 700_000 + toGlobex + 60_000);

await Promise.all([api.close(), issuer.close()]);
console.log(
  "200 and 201 for a tenant's own accounts; 403 for accounts of another tenant; 401 for a certificate of another tenant",
);
