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

/** Starts a server that is closed at the latest when the test is over. */
async function start(create: () => Server) {
  const running = await startServer(create());
  onTestFinished(running.close);
  return { ...running, port: Number(new URL(running.url).port) };
}

describe.each(servers)("an %s server", (_, protocol, create) => {
  test("listens on 127.0.0.1 only, on a port of its own", async () => {
    const [one, other] = [await start(create), await start(create)];
    expect(new URL(one.url)).toMatchObject({ protocol, hostname: "127.0.0.1", pathname: "/" });
    expect(one.port).not.toBe(other.port);
  });

  test("ends a connection that has sent nothing when it is closed", async () => {
    const { port, close } = await start(create);
    const socket = connect(port, "127.0.0.1");
    const ended = once(
      socket.resume().on("error", () => {}),
      "close",
    );
    await once(socket, "connect");
    await close();
    await ended;
    expect(socket.destroyed).toBe(true);
  });

  test("rejects connections after it was closed", async () => {
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

test("ends a TLS connection that is idle after its handshake", async () => {
  const { port, close } = await start(() => createHttpsServer({ cert, key }));
  const socket = connectTls({ host: "127.0.0.1", port, ...trust });
  const ended = once(
    socket.resume().on("error", () => {}),
    "close",
  );
  await once(socket, "secureConnect");
  await close();
  await ended;
  expect(socket.destroyed).toBe(true);
});

test("ends an HTTP/2 session and its unanswered request", async () => {
  const { url, close } = await start(() => createSecureServer({ cert, key }));
  const session = connectHttp2(url, trust).on("error", () => {});
  const stream = session.request({ ":path": "/" }).on("error", () => {});
  const ended = once(session, "close");
  await once(stream, "ready");
  await close();
  await ended;
  expect(session.destroyed).toBe(true);
});

test("rejects when the server listens already", async () => {
  const server = createHttpServer();
  const { close } = await startServer(server);
  onTestFinished(close);
  await expect(startServer(server)).rejects.toMatchObject({ code: "ERR_SERVER_ALREADY_LISTEN" });
});
