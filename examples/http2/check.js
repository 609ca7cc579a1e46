// Two clients, and a third one without a certificate, each open a session, and send concurrent requests with the tokens of both clients.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createApi } from "./server.js";
import { openSession, sendGoaway } from "./session.js";

const ca = await createCertificateAuthority();
const [host, client1, client2] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate({ commonName: "client-1" }),
  ca.issueClientCertificate({ commonName: "client-2" }),
]);
const issuer = await createIssuer({ audience: "https://api.example.com" });
const server = createApi({ key: host.key, cert: host.certificate, issuer: issuer.issuer });
let connections = 0;
server.on("secureConnection", () => {
  connections += 1;
});
const api = await startServer(server);
const [token1, token2] = await Promise.all([
  issuer.accessToken({ boundTo: client1, claims: { client_id: "client-1" } }),
  issuer.accessToken({ boundTo: client2, claims: { client_id: "client-2" } }),
]);

const [session1, session2, anonymous] = await Promise.all([
  openSession(api.url, { ca: ca.certificate, identity: client1 }),
  openSession(api.url, { ca: ca.certificate, identity: client2 }),
  openSession(api.url, { ca: ca.certificate }),
]);

// Sends each token over each session, concurrently.
const tokens = [token1, token2, token1, token2];
const [responses1, responses2, anonymousResponses] = await Promise.all(
  [session1, session2, anonymous].map((session) => Promise.all(tokens.map(session.send))),
);
const served = (client) => ({ status: 200, challenge: undefined, body: { client, httpVersion: "2.0" } });
const rejected = {
  status: 401,
  challenge:
    'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"',
  body: { message: "unauthorized" },
};
assert.deepEqual(responses1, [served("client-1"), rejected, served("client-1"), rejected]);
assert.deepEqual(responses2, [rejected, served("client-2"), rejected, served("client-2")]);
assert.deepEqual(anonymousResponses, [rejected, rejected, rejected, rejected]);
assert.equal(connections, 3);

// The same server accepts HTTP/1.1.
const sendOverHttp1 = (identity) => mtlsRequest(`${api.url}/accounts`, { ca: ca.certificate, identity, token: token1 });
const fallback = await sendOverHttp1(client1);
assert.deepEqual(fallback.json(), { client: "client-1", httpVersion: "1.1" });
assert.equal((await sendOverHttp1(client2)).status, 401);

await Promise.all([session1, session2, anonymous].map((session) => session.close()));

// An unused session is closed after a timeout, which is short here. A session in use is not.
const shortTimeoutServer = createApi({
  key: host.key,
  cert: host.certificate,
  issuer: issuer.issuer,
  idleTimeout: 1000,
});
const shortTimeoutApi = await startServer(shortTimeoutServer);
const used = await openSession(shortTimeoutApi.url, { ca: ca.certificate, identity: client1 });
const use = async () => {
  assert.equal((await used.send(token1)).status, 200);
  return false;
};
const useUntil = async (event) => {
  const happened = event.then(() => true);
  const start = performance.now();
  while (!(await Promise.race([happened, use()])))
    assert.ok(performance.now() - start < 20_000, "the connection was not closed");
};
const idle = await openSession(shortTimeoutApi.url, { ca: ca.certificate, identity: client1 });
await useUntil(idle.closed);

// If a client sends GOAWAY and leaves the connection open, the server closes it. The client needs no certificate for that.
const accepted = once(shortTimeoutServer, "secureConnection");
const disconnect = await sendGoaway(shortTimeoutApi.url, { ca: ca.certificate });
const [connection] = await accepted;
await useUntil(once(connection, "close"));
disconnect();

assert.equal((await used.send(token1)).status, 200);
await used.close();
await shortTimeoutApi.close();

await Promise.all([api.close(), issuer.close()]);
console.log(
  "12 requests over 3 sessions: 200 for tokens of the session's client, 401 for all others; HTTP/1.1 gives the same responses",
);
