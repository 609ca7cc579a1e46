import { mtlsRequest, type RunningServer } from "@certbound/testing";
import { EventEmitter, once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { createParties } from "../helpers/parties.ts";
import { exposedBackends, startRoute, watchForCrashes } from "./open-api.ts";

const parties = await createParties();
await parties.issuer.close();
const { ca, client, thief } = parties;
const goodToken = await parties.token();
const head = `POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${goodToken}\r\n`;

/** Opens a connection of a client. */
async function connectTo({ url }: RunningServer, { certificate, key } = client): Promise<TLSSocket> {
  const port = Number(new URL(url).port);
  const socket = connect({
    port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: ca.certificate,
    cert: certificate,
    key,
  });
  await once(socket, "secureConnect");
  return socket;
}

async function hangUp(socket: TLSSocket): Promise<void> {
  const closed = once(socket, "close");
  socket.destroy();
  await closed;
}

async function statusOf({ url }: RunningServer, identity = client): Promise<number> {
  return (await mtlsRequest(url, { ca: ca.certificate, identity, token: goodToken })).status;
}

/** The part of a request that the client sends before it disconnects. */
const requestParts: readonly (readonly [string, string])[] = [
  ["no bytes", ""],
  ["half a header", head.slice(0, 60)],
  ["all headers but the last line feed", `${head}\r`],
  ["half a body", `${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`],
  ["a chunk of a body", `${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`],
  ["three requests at once", `${head}Content-Length: 0\r\n\r\n`.repeat(3)],
  ["bytes that are not HTTP", "\0\u0001\u0002 garbage\r\n\r\n"],
];

describe.each(exposedBackends)("%s continues to work if a client disconnects", (_name, backend) => {
  const expectNoCrash = watchForCrashes();

  test.each(requestParts)("after it has sent %s", async (_what, part) => {
    const api = await startRoute(backend, parties);
    onTestFinished(api.close);
    for (const identity of [client, thief]) {
      const socket = await connectTo(api, identity);
      await new Promise((resolve) => void socket.write(part, resolve));
      await hangUp(socket);
    }
    expect([await statusOf(api), await statusOf(api, thief)]).toEqual([200, 401]);
    await expectNoCrash();
  });

  test("before the handshake is complete", async () => {
    const api = await startRoute(backend, parties);
    onTestFinished(api.close);
    const socket = connectTcp(Number(new URL(api.url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.end("GET / HTTP/1.1\r\n\r\n");
    await once(socket.resume(), "close");
    expect(await statusOf(api)).toBe(200);
    await expectNoCrash();
  });

  test.each([
    ["rejected", thief, "ERR_BINDING_MISMATCH"],
    ["accepted", client, "accepted"],
  ] as const)("while its request is being verified, and is then %s", async (_what, identity, outcome) => {
    const events = new EventEmitter();
    const [verifying, closed, decided] = ["verifying", "closed", "decided"].map((event) => once(events, event));
    const api = await startRoute(backend, parties, {
      tokenResolver: async (request) => {
        // The requests of all frameworks have a socket.
        const { socket } = request as { readonly socket: EventEmitter };
        socket.once("close", () => events.emit("closed"));
        events.emit("verifying");
        await closed;
        return goodToken;
      },
      onRejected: ({ code }) => events.emit("decided", code),
      onHandled: () => events.emit("decided", "accepted"),
    });
    onTestFinished(api.close);
    const socket = await connectTo(api, identity);
    socket.write(`${head}Content-Length: 0\r\n\r\n`);
    await verifying;
    socket.destroy();
    // The client certificate is still known, although the connection is closed.
    expect(await decided).toEqual([outcome]);
    expect(await statusOf(api)).toBe(200);
    await expectNoCrash();
  });
});
