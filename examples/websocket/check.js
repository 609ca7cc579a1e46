// Opens WebSockets to server.js, and has others refused. Time is moved, not waited for.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { nextMessage, openWebSocket } from "./client.js";
import { createApi } from "./server.js";
import { createTestTime } from "./test-time.js";

const authority = await createCertificateAuthority();
const ca = authority.certificate;
const [host, client, thief] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate({ commonName: "client-1" }),
  authority.issueClientCertificate({ commonName: "thief" }),
]);
const time = createTestTime();
const issuer = await createIssuer({ clock: time.now });
const api = await startServer(createApi({ key: host.key, cert: host.certificate, issuer: issuer.issuer, time }));
const open = (options) => openWebSocket(`${api.url}/messages`, { ca, ...options });
const issue = (options) => issuer.accessToken({ boundTo: client, ...options, claims: { scope: "messages" } });

const minute = await issue({ expiresIn: 60 });
const hour = await issue({ expiresIn: 3600 });
const brief = await open({ identity: client, token: minute });
const steady = await open({ identity: client, token: hour });
const received = [];
steady.on("message", (data) => received.push(JSON.parse(data).text));
brief.send("hello");
assert.deepEqual(await nextMessage(steady), { from: "client-1", text: "hello" });

// Refused before the handshake, as any other request is.
const unscoped = await issuer.accessToken({ boundTo: client });
const refusals = [
  { options: { identity: thief, token: minute }, status: 401, error: "invalid_token" },
  { options: { token: minute }, status: 401, error: "invalid_token" },
  { options: { identity: client }, status: 401, error: undefined },
  { options: { identity: client, token: unscoped }, status: 403, error: "insufficient_scope" },
];
for (const { options, status, error } of refusals) {
  const refusal = await open(options);
  assert.equal(refusal.status, status);
  assert.match(refusal.challenge, /^Bearer realm="api"/);
  assert.equal(/ error="(\w+)"/.exec(refusal.challenge)?.[1], error);
  assert.deepEqual(refusal.body, { message: status === 401 ? "unauthorized" : "forbidden" });
}
assert.equal((await mtlsRequest(`${api.url}/messages`, { ca, identity: client, token: minute })).status, 426);

// A second before the token expires, its WebSocket is as good as the other one.
time.advance(59);
brief.send("still here");
await nextMessage(steady);

// Then it is closed, and what it sent before it knew reaches nobody.
time.advance(1);
brief.send("too late");
const [code, reason] = await once(brief, "close");
assert.deepEqual([code, String(reason)], [1008, "the token has expired"]);
steady.send("and I");
await nextMessage(steady);
assert.deepEqual(received, ["hello", "still here", "and I"]);

// The token opens no other one, once the tolerance for clocks that differ is over; one with time left does.
time.advance(5);
const expired = await open({ identity: client, token: minute });
assert.equal(expired.status, 401);
const second = await open({ identity: client, token: hour });

// A token that is good for longer than Node's longest timer.
const month = await open({ identity: client, token: await issue({ expiresIn: 31 * 24 * 3600 }) });
assert.equal(time.pending(), 3);
time.advance(30 * 24 * 3600);
await Promise.all([once(steady, "close"), once(second, "close")]);
assert.equal(month.readyState, month.OPEN);
assert.equal(time.pending(), 1);

// A WebSocket that its client closes leaves no timer behind.
const cancelled = once(time, "cancelled");
month.close();
await cancelled;
assert.equal(time.pending(), 0);

await Promise.all([api.close(), issuer.close()]);
console.log("open for the client until its token expires; 401 and 403 before the handshake for everybody else");
