import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect as connectHttp2, createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { createCertificateAuthority } from "../src/certificates/certificate-authority.ts";
import { startServer } from "../src/start-server.ts";

type Server = Parameters<typeof startServer>[0];

const ca = await createCertificateAuthority();
const { certificate: cert, key } = await ca.issueServerCertificate();
const trust = { ca: ca.certificate, servername: "localhost" };

const servers: readonly (readonly [string, string, () => Server])[] = [
  ["HTTP", "http:", () => createHttpServer((_, response) => response.end("ok"))],
  ["HTTPS", "https:", () => createHttpsServer({ cert, key }, (_, response) => response.end("ok"))],
  ["HTTP/2", "https:", () => createSecureServer({ cert, key }, (_, response) => response.end("ok"))],
];

/** Starts a server that is closed at the end of the test. */
async function start(create: () => Server) {
  const running = await startServer(create());
  onTestFinished(running.close);
  return { ...running, port: Number(new URL(running.url).port) };
}

describe.each(servers)("an %s server", (_, protocol, create) => {
  test("listens on a free port of 127.0.0.1", async () => {
    const [one, other] = [await start(create), await start(create)];
    expect(new URL(one.url)).toMatchObject({ protocol, hostname: "127.0.0.1", pathname: "/" });
    expect(one.port).not.toBe(other.port);
  });

  test("closes a connection that has sent nothing", async () => {
    const { port, close } = await start(create);
    const socket = connect(port, "127.0.0.1");
    const closed = once(
      socket.resume().on("error", () => {}),
      "close",
    );
    await once(socket, "connect");
    await close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });

  test("does not accept connections after it was closed", async () => {
    const { port, close } = await start(create);
    await close();
    await expect(once(connect(port, "127.0.0.1"), "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("can be closed twice", async () => {
    const { close } = await start(create);
    await close();
    await expect(close()).resolves.toBeUndefined();
  });
});

test("closes a TLS connection that is idle after the handshake", async () => {
  const { port, close } = await start(() => createHttpsServer({ cert, key }));
  const socket = connectTls({ host: "127.0.0.1", port, ...trust });
  const closed = once(
    socket.resume().on("error", () => {}),
    "close",
  );
  await once(socket, "secureConnect");
  await close();
  await closed;
  expect(socket.destroyed).toBe(true);
});

test("closes an HTTP/2 session with a pending request", async () => {
  const { url, close } = await start(() => createSecureServer({ cert, key }));
  const session = connectHttp2(url, trust).on("error", () => {});
  const stream = session.request({ ":path": "/" }).on("error", () => {});
  const closed = once(session, "close");
  await once(stream, "ready");
  await close();
  await closed;
  expect(session.destroyed).toBe(true);
});

test("rejects a server that is already listening", async () => {
  const server = createHttpServer();
  const { close } = await startServer(server);
  onTestFinished(close);
  await expect(startServer(server)).rejects.toMatchObject({ code: "ERR_SERVER_ALREADY_LISTEN" });
});

test.each([
  ["an application", { listen: () => {}, on: () => {} }],
  ["a request listener", () => {}],
  ["undefined", undefined],
])("rejects %s, which is not a server", async (_, value) => {
  const promise = startServer(value as unknown as Server);
  await expect(promise).rejects.toThrow(TypeError);
  await expect(promise).rejects.toThrow("The argument is not a server of node:http, node:https or node:http2.");
});
