import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import { check, client, type Credentials, kit, type Outcome, thief } from "../check.js";

const { server } = await import("./server.js");
const { url } = await kit.startServer(server);

// Another client cannot continue the session, even with a valid token.
const session = "/socket.io/?EIO=4&transport=polling";
const own = { identity: client, token: await kit.accessToken({ boundTo: client }) };
const other = { identity: thief, token: await kit.accessToken({ boundTo: thief }) };
const { body } = await kit.mtlsRequest(url + session, own);
const { sid } = JSON.parse(body.slice(1)) as { sid: string };
assert.equal((await kit.mtlsRequest(`${url}${session}&sid=${sid}`, other)).status, 400);
assert.equal((await kit.mtlsRequest(`${url}${session}&sid=${sid}`, { identity: client })).status, 401);
assert.equal(await upgrade(sid, other), 400);
const join = { method: "POST", body: "40" };
assert.equal((await kit.mtlsRequest(`${url}${session}&sid=${sid}`, { ...other, ...join })).status, 400);
assert.equal((await kit.mtlsRequest(`${url}${session}&sid=${sid}`, { ...own, ...join })).status, 200);

await check((credentials) => connect(credentials, ["polling", "websocket"]), { keepOpen: true });
// Without polling, a rejected client sees no status: the server closes the connection.
await check((credentials) => connect(credentials, ["websocket"]), { rejected: 0 });

/** Sends the upgrade request of a session, and returns the status of the response. */
function upgrade(id: string, { identity, token }: Required<Credentials>): Promise<number | undefined> {
  const path = `/socket.io/?EIO=4&transport=websocket&sid=${id}`;
  const webSocket = new WebSocket(url.replace("https:", "wss:") + path, {
    ca: kit.ca.certificate,
    cert: identity.certificate,
    key: identity.key,
    headers: { authorization: `Bearer ${token}` },
  });
  return new Promise((resolve) => {
    webSocket.once("upgrade", ({ statusCode }) => resolve(statusCode));
    webSocket.once("unexpected-response", (_request, { statusCode }) => resolve(statusCode));
  });
}

/** Connects, requests the accounts, and disconnects. */
function connect({ identity, token }: Credentials, transports: string[]): Promise<Outcome> {
  const socket = io(url, {
    ca: kit.ca.certificate,
    ...(identity && { cert: identity.certificate, key: identity.key }),
    extraHeaders: token === undefined ? {} : { authorization: `Bearer ${token}` },
    reconnection: false,
    forceNew: true,
    transports,
  });
  return new Promise((resolve) => {
    socket.once("connect_error", (error) => {
      const { description } = error as { description?: unknown };
      resolve({ status: typeof description === "number" ? description : 0 });
    });
    socket.once("connect", () => {
      socket.emit("accounts", (accounts: { client: string }) => {
        socket.disconnect();
        resolve({ status: 200, ...accounts });
      });
    });
  });
}
