import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { readBoundedBody } from "../src/bounded-body.ts";
import { startServer } from "../src/start-server.ts";

/** Starts a server for one test that responds with the request body, or with 413 if it is too long. */
async function startBodyServer(limit: number) {
  const server = createServer((request, response) => {
    readBoundedBody(request, limit).then(
      (body) => response.writeHead(body === undefined ? 413 : 200).end(body),
      () => {},
    );
  });
  const { url, close } = await startServer(server);
  onTestFinished(close);
  return { server, url };
}

/** Sends each part of a body as a separate chunk. */
function post(url: string, parts: readonly Uint8Array[]) {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
  return fetch(url, { method: "POST", body, duplex: "half" });
}

describe("readBoundedBody", () => {
  test("reads a body whose length is the limit", async () => {
    const { url } = await startBodyServer(6);
    // the second letter is split between the chunks
    const parts = [Buffer.from([0xc3, 0xa4, 0xc3]), Buffer.from([0xb6, 0xc3, 0xbc])];
    expect(await (await post(url, parts)).text()).toBe("äöü");
  });

  test("returns undefined for a body that is one byte longer", async () => {
    const { url } = await startBodyServer(5);
    const parts = [Buffer.from("äö"), Buffer.from("ü")];
    expect((await post(url, parts)).status).toBe(413);
  });

  test("reads a much longer body to the end, so that the client receives the response", async () => {
    const { url } = await startBodyServer(5);
    const { status } = await fetch(url, { method: "POST", body: Buffer.alloc(4 * 1024 * 1024) });
    expect(status).toBe(413);
  });

  test("reads a missing body as an empty string", async () => {
    const { url } = await startBodyServer(0);
    const response = await fetch(url, { method: "POST" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("rejects if the client disconnects before the end", async () => {
    const server = createServer();
    const { url, close } = await startServer(server);
    onTestFinished(close);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\ntoken=");
    const [request] = (await once(server, "request")) as [IncomingMessage];
    const body = readBoundedBody(request, 100);
    socket.destroy();
    await expect(body).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});
