// Opens WebSockets to server.js, and checks which of them are rejected. Advances a test clock instead of waiting.

import { createCertificateAuthority, createIssuer, mtlsRequest, startServer } from "@certbound/testing";
import assert from "node:assert/strict";
import { once } from "node:events";
import { nextMessage, openWebSocket } from "./client.js";
import { createApi } from "./server.js";
import { createTestTime } from "./test-time.js";

const ca = await createCertificateAuthority();
const [host, client, thief, other] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate({ commonName: "client-1" }),
  ca.issueClientCertificate({ commonName: "thief" }),
  ca.issueClientCertificate({ commonName: "client-2" }),
]);
const time = createTestTime();
/** Waits until `count` timers are left. Each WebSocket has two: one for its token, and one for its next ping. */
const timersLeft = async (count) => {
  while (time.pending() !== count) await once(time, "cancelled");
};
const issuer = await createIssuer({ clock: time.now });
const api = await startServer(createApi({ key: host.key, cert: host.certificate, issuer: issuer.issuer, time }));
const open = (options) => openWebSocket(`${api.url}/messages`, { ca: ca.certificate, ...options });
const issue = (options) => issuer.accessToken({ boundTo: client, ...options, claims: { scope: "messages" } });

const minute = await issue({ expiresIn: 60 });
const hour = await issue({ expiresIn: 3600 });
const brief = await open({ identity: client, token: minute });
const steady = await open({ identity: client, token: hour });
const received = [];
steady.on("message", (data) => received.push(JSON.parse(data).text));
brief.send("hello");
assert.deepEqual(await nextMessage(steady), { from: "client-1", text: "hello" });

// Rejected before the handshake, like any other request.
const unscoped = await issuer.accessToken({ boundTo: client });
const rejections = [
  { options: { identity: thief, token: minute }, status: 401, error: "invalid_token" },
  { options: { token: minute }, status: 401, error: "invalid_token" },
  { options: { identity: client }, status: 401, error: undefined },
  { options: { identity: client, token: unscoped }, status: 403, error: "insufficient_scope" },
];
for (const { options, status, error } of rejections) {
  const rejection = await open(options);
  assert.equal(rejection.status, status);
  assert.match(rejection.challenge, /^Bearer realm="api"/);
  assert.equal(/ error="(\w+)"/.exec(rejection.challenge)?.[1], error);
  assert.deepEqual(rejection.body, { message: status === 401 ? "unauthorized" : "forbidden" });
}
assert.equal(
  (await mtlsRequest(`${api.url}/messages`, { ca: ca.certificate, identity: client, token: minute })).status,
  426,
);

// One second before the token expires, its WebSocket still works.
time.advance(59);
brief.send("still here");
await nextMessage(steady);

// Then the WebSocket is closed. A message that the client sends before it notices this is not delivered.
time.advance(1);
brief.send("too late");
const [code, reason] = await once(brief, "close");
assert.deepEqual([code, String(reason)], [1008, "the token has expired"]);
steady.send("and I");
await nextMessage(steady);
assert.deepEqual(received, ["hello", "still here", "and I"]);

// After the clock tolerance, the expired token cannot open another WebSocket. A valid token can.
time.advance(5);
const expired = await open({ identity: client, token: minute });
assert.equal(expired.status, 401);
const second = await open({ identity: client, token: hour });

// A client that does not respond to a ping is terminated at the next ping. Other clients stay connected.
const silent = await open({ identity: client, token: hour, autoPong: false });
const pinged = [steady, second, silent].map((webSocket) => once(webSocket, "ping"));
time.advance(30);
await Promise.all(pinged);
// This message arrives after the pong.
for (const webSocket of [steady, second]) {
  webSocket.send("alive");
  await nextMessage(steady);
}
time.advance(30);
const [lost] = await once(silent, "close");
assert.equal(lost, 1006);
await timersLeft(4);
assert.deepEqual([steady.readyState, second.readyState], [steady.OPEN, second.OPEN]);

// A client that does not read is terminated when 1 MiB is buffered for it. The others receive all messages.
const stalled = await open({ identity: client, token: hour });
stalled.pause();
let sent = 0;
received.length = 0;
for (; time.pending() === 6; sent += 1) {
  assert.ok(sent < 5000, "the buffer of a client is not limited");
  steady.send("a".repeat(16_000));
  await nextMessage(steady);
}
assert.equal(received.length, sent);
await timersLeft(4);
stalled.resume();
const [cut] = await once(stalled, "close");
assert.equal(cut, 1006);

// A message can have at most 16 fragments.
const split = await open({ identity: client, token: hour });
const sendFragments = (count) => {
  for (let sentCount = 1; sentCount <= count; sentCount += 1) split.send("a", { fin: sentCount === count });
};
sendFragments(16);
assert.equal((await nextMessage(steady)).text, "a".repeat(16));
sendFragments(17);
const [rejected] = await Promise.race([once(split, "close"), once(steady, "message")]);
// 1006 if the connection is closed before the client reads the close frame.
assert.ok([1008, 1006].includes(rejected), "the server accepts more fragments");
await timersLeft(4);

// A client can have at most five WebSockets. Other clients are counted separately.
const more = await Promise.all([1, 2, 3].map(() => open({ identity: client, token: hour })));
const excess = await open({ identity: client, token: hour });
assert.deepEqual([excess.status, excess.body], [429, { message: "too many connections" }]);
const claims = { scope: "messages", client_id: "client-2" };
const ofOther = await open({ identity: other, token: await issuer.accessToken({ boundTo: other, claims }) });
for (const webSocket of [ofOther, ...more]) webSocket.close();
await timersLeft(4);
(await open({ identity: client, token: hour })).close();
await timersLeft(4);

// A token that is valid for longer than the longest timer of Node.js.
const month = await open({ identity: client, token: await issue({ expiresIn: 31 * 24 * 3600 }) });
assert.equal(time.pending(), 6);
time.advance(30 * 24 * 3600);
await Promise.all([once(steady, "close"), once(second, "close")]);
assert.equal(month.readyState, month.OPEN);
await timersLeft(2);

// When a client closes its WebSocket, no timers are left.
month.close();
await timersLeft(0);

await Promise.all([api.close(), issuer.close()]);
console.log("open for the client until its token expires; 401 and 403 before the handshake for all others");
