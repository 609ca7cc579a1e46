import { EventEmitter, once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { protectApi } from "../src/protect-api.ts";
import { createApp, parties, startSending } from "./protected-app.ts";

const { ca, client, thief, verifierOptions } = parties;

/** Opens the connection of a client; the test writes to it and closes it. */
async function connectTo(port: number, { certificate, key } = client): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: ca.certificate,
    cert: certificate,
    key,
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

function portOf(app: ReturnType<typeof createApp>): number {
  const address = app.server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server does not listen on a port");
  return address.port;
}

test("the body of a rejected request is not read", async () => {
  const app = createApp();
  let parsed = 0;
  app.addContentTypeParser("text/plain", { parseAs: "string" }, (_request, body, done) => {
    parsed += 1;
    done(null, body);
  });
  app.post("/", { onRequest: protectApi(verifierOptions)() }, () => ({}));
  const send = await startSending(app);
  const post = { method: "POST", headers: { "content-type": "text/plain" }, body: "text" };
  expect([(await send({ ...post, identity: thief })).status, parsed]).toEqual([401, 0]);
  expect([(await send(post)).status, parsed]).toEqual([200, 1]);
});

test("a rejected request gets its response before its body has arrived", async () => {
  const app = createApp();
  app.post("/", { onRequest: protectApi(verifierOptions)() }, () => ({}));
  await startSending(app);
  const socket = await connectTo(portOf(app));
  socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n");
  const [response] = (await once(socket, "data")) as [Buffer];
  expect(response.toString()).toMatch(/^HTTP\/1\.1 401 .*\r\n/);
});

test("the handler does not run if the client closes the connection before a hook has processed the rejection", async () => {
  const app = createApp();
  const events = new EventEmitter();
  const [sending, gone, released] = ["sending", "gone", "released"].map((event) => once(events, event));
  let handled = 0;
  app.addHook("onSend", async (_request, reply) => {
    reply.raw.once("close", () => events.emit("gone"));
    events.emit("sending");
    await released;
  });
  app.get("/", { onRequest: protectApi(verifierOptions)() }, () => {
    handled += 1;
    return {};
  });
  await startSending(app);
  const socket = await connectTo(portOf(app), thief);
  socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${await parties.token()}\r\n\r\n`);
  await sending;
  socket.destroy();
  await gone;
  await nextEventLoopTurn();
  expect(handled).toBe(0);
  events.emit("released");
  await nextEventLoopTurn();
  expect(handled).toBe(0);
});

/** Waits until all promises that have settled have run their callbacks. */
function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

test("rejected requests do not keep the server from closing", async () => {
  const app = createApp();
  app.get("/", { onRequest: protectApi(verifierOptions)() }, () => ({}));
  const send = await startSending(app);
  await Promise.all(Array.from({ length: 5 }, () => send({ identity: thief })));
  await expect(app.close()).resolves.toBeUndefined();
});
