// Two clients send several concurrent requests over one session each, with their own tokens and with each other's.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createApi } from "./server.js";
import { openSession, sendGoaway } from "./session.js";

const authority = await createCertificateAuthority();
const ca = authority.certificate;
const [host, one, two] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate({ commonName: "client-1" }),
  authority.issueClientCertificate({ commonName: "client-2" }),
]);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const server = createApi({ key: host.key, cert: host.certificate, issuer: issuer.issuer });
let connections = 0;
server.on("secureConnection", () => {
  connections += 1;
});
const api = await startServer(server);
const [ofOne, ofTwo] = await Promise.all([
  issuer.accessToken({ boundTo: one, claims: { client_id: "client-1" } }),
  issuer.accessToken({ boundTo: two, claims: { client_id: "client-2" } }),
]);

const [first, second, bare] = await Promise.all([
  openSession(api.url, { ca, identity: one }),
  openSession(api.url, { ca, identity: two }),
  openSession(api.url, { ca }),
]);

// Sends each token over each session, concurrently.
const tokens = [ofOne, ofTwo, ofOne, ofTwo];
const [overFirst, overSecond, overBare] = await Promise.all(
  [first, second, bare].map((session) => Promise.all(tokens.map(session.send))),
);
const served = (client) => ({ status: 200, challenge: undefined, body: { client, httpVersion: "2.0" } });
const rejected = {
  status: 401,
  challenge:
    'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"',
  body: { message: "unauthorized" },
};
assert.deepEqual(overFirst, [served("client-1"), rejected, served("client-1"), rejected]);
assert.deepEqual(overSecond, [rejected, served("client-2"), rejected, served("client-2")]);
assert.deepEqual(overBare, [rejected, rejected, rejected, rejected]);
assert.equal(connections, 3);

// The same server accepts HTTP/1.1.
const sendOverHttp1 = (identity) => mtlsRequest(`${api.url}/accounts`, { ca, identity, token: ofOne });
const fallback = await sendOverHttp1(one);
assert.deepEqual(fallback.json(), { client: "client-1", httpVersion: "1.1" });
assert.equal((await sendOverHttp1(two)).status, 401);

await Promise.all([first, second, bare].map((session) => session.close()));

// An unused session is closed after a timeout, which is short here. A session in use is not.
const briefServer = createApi({ key: host.key, cert: host.certificate, issuer: issuer.issuer, idleTimeout: 1000 });
const brief = await startServer(briefServer);
const used = await openSession(brief.url, { ca, identity: one });
const use = async () => {
  assert.equal((await used.send(ofOne)).status, 200);
  return false;
};
const useUntil = async (event) => {
  const happened = event.then(() => true);
  const start = performance.now();
  while (!(await Promise.race([happened, use()])))
    assert.ok(performance.now() - start < 20_000, "the connection was not closed");
};
const idle = await openSession(brief.url, { ca, identity: one });
await useUntil(idle.closed);

// If a client sends GOAWAY and leaves the connection open, the server closes it. The client needs no certificate for that.
const accepted = once(briefServer, "secureConnection");
const disconnect = await sendGoaway(brief.url, { ca });
const [connection] = await accepted;
await useUntil(once(connection, "close"));
disconnect();

assert.equal((await used.send(ofOne)).status, 200);
await used.close();
await brief.close();

await Promise.all([api.close(), issuer.close()]);
console.log(
  "12 requests over 3 sessions: 200 for tokens of the session's client, 401 for all others; the same with HTTP/1.1",
);
