import { constants } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import tlsModule, { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { type CertificateAuthority, createCertificateAuthority, type Identity } from "@certbound/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { attemptRenegotiation, type RenegotiationOutcome } from "../../src/check-server/requests.ts";

let ca: CertificateAuthority;
let client: Identity;
let tls: { readonly cert: string; readonly key: string; readonly ca: string; readonly requestCert: true };

beforeAll(async () => {
  ca = await createCertificateAuthority();
  client = await ca.issueClientCertificate();
  const { certificate, key } = await ca.issueServerCertificate();
  tls = { cert: certificate, key, ca: ca.certificate, requestCert: true };
});

const rejectsRenegotiation = { secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const;

/** Attempts a renegotiation with a server, and waits until all its connections are closed. */
async function attempt(
  server: Server,
  { signal = AbortSignal.timeout(10_000), host = "127.0.0.1" } = {},
): Promise<RenegotiationOutcome> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // The address of a server that listens on a port is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const target = { url: new URL(`https://${host}:${port}/`), method: "GET", ca: [ca.certificate] };
  const outcome = await attemptRenegotiation(target, { identity: client, signal });
  // Emitted once the client has closed all connections.
  const closed = once(server, "close");
  server.close();
  await closed;
  return outcome;
}

/** Creates a TCP server without TLS. */
function tcpServer(accept: (socket: Socket) => void): Server {
  return createTcpServer((socket) => {
    socket.on("error", () => {});
    accept(socket);
  });
}

/** Creates a server that completes the handshake, and calls `react` when the client then starts a renegotiation. */
function renegotiationServer(react: (socket: Socket) => void): Server {
  let isConnected = false;
  const upstream = createHttpsServer(tls).on("secureConnection", () => (isConnected = true));
  return tcpServer((socket) => {
    upstream.listen(0, "127.0.0.1", () => {
      const relayed = connect((upstream.address() as AddressInfo).port, "127.0.0.1");
      relayed.on("error", () => {});
      relayed.on("data", (bytes) => socket.write(bytes));
      socket.on("data", (bytes) => (isConnected ? react(socket) : relayed.write(bytes)));
      socket.once("close", () => {
        relayed.destroy();
        upstream.close();
      });
    });
  });
}

describe("attemptRenegotiation", () => {
  test.each<[string, () => Server, RenegotiationOutcome]>([
    ["a node:https server", () => createHttpsServer(tls), { kind: "renegotiated" }],
    [
      "a node:https server with SSL_OP_NO_RENEGOTIATION",
      () => createHttpsServer({ ...tls, ...rejectsRenegotiation }),
      { kind: "rejected", failure: "ERR_SSL_NO_RENEGOTIATION" },
    ],
    [
      "a node:https server with minVersion TLSv1.3",
      () => createHttpsServer({ ...tls, minVersion: "TLSv1.3" }),
      { kind: "not-connected", failure: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" },
    ],
    [
      "a node:https server that disables renegotiation on each connection",
      () => createHttpsServer(tls).on("secureConnection", (socket) => socket.disableRenegotiation()),
      { kind: "rejected", failure: "ECONNRESET" },
    ],
    [
      "a node:http2 server with allowHTTP1",
      () => createSecureServer({ ...tls, allowHTTP1: true }),
      { kind: "renegotiated" },
    ],
    [
      "a node:http2 server with allowHTTP1 and SSL_OP_NO_RENEGOTIATION",
      () => createSecureServer({ ...tls, ...rejectsRenegotiation, allowHTTP1: true }),
      { kind: "rejected", failure: "ERR_SSL_NO_RENEGOTIATION" },
    ],
    [
      "a node:http2 server without HTTP/1.1",
      () => createSecureServer(tls),
      { kind: "not-connected", failure: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" },
    ],
  ])("reports the reaction of %s", async (_name, server, outcome) => {
    expect(await attempt(server())).toEqual(outcome);
  });

  test("presents the certificate and the server name over TLS 1.2, and sends no data", async () => {
    const server = createTlsServer(tls);
    const seen = once(server, "secureConnection").then(async ([socket]: TLSSocket[]) => {
      if (socket === undefined) throw new Error("the connection is missing");
      const { servername } = socket;
      const [protocol, presented] = [socket.getProtocol(), socket.getPeerX509Certificate()?.raw];
      socket.on("error", () => {});
      const received: unknown[] = [];
      socket.on("data", (bytes) => received.push(bytes));
      await once(socket, "close");
      return { servername, protocol, presented, received };
    });
    expect(await attempt(server, { host: "localhost" })).toEqual({ kind: "renegotiated" });
    expect(await seen).toEqual({
      servername: "localhost",
      protocol: "TLSv1.2",
      presented: Buffer.from(client.der),
      received: [],
    });
  });

  test("uses TLS 1.2 even if the process allows only TLS 1.3", async () => {
    const { DEFAULT_MIN_VERSION } = tlsModule;
    const server = createHttpsServer({ ...tls, minVersion: "TLSv1.2" });
    // As with node --tls-min-v1.3.
    tlsModule.DEFAULT_MIN_VERSION = "TLSv1.3";
    try {
      expect(await attempt(server)).toEqual({ kind: "renegotiated" });
    } finally {
      tlsModule.DEFAULT_MIN_VERSION = DEFAULT_MIN_VERSION;
    }
  });

  test("does not connect to a server whose certificate is not trusted", async () => {
    const { certificate, key } = await (await createCertificateAuthority()).issueServerCertificate();
    const outcome = await attempt(createHttpsServer({ ...tls, cert: certificate, key }));
    expect(outcome).toEqual({ kind: "not-connected", failure: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  });

  test("does not connect without a listening server", async () => {
    const target = { url: new URL("https://127.0.0.1:1/"), method: "GET", ca: [] };
    const outcome = await attemptRenegotiation(target, { identity: client, signal: AbortSignal.timeout(10_000) });
    expect(outcome).toEqual({ kind: "not-connected", failure: "ECONNREFUSED" });
  });
});

describe("attemptRenegotiation with a hostile peer", () => {
  const garbage = Buffer.alloc(20_000, 7);

  test.each<[string, () => Server, RenegotiationOutcome]>([
    [
      "closes the connection immediately",
      () => tcpServer((socket) => socket.destroy()),
      { kind: "not-connected", failure: "ECONNRESET" },
    ],
    [
      "resets the connection immediately",
      () => tcpServer((socket) => socket.resetAndDestroy()),
      { kind: "not-connected", failure: "ECONNRESET" },
    ],
    [
      "sends bytes that are not TLS",
      () => tcpServer((socket) => socket.resume().write(garbage)),
      { kind: "not-connected", failure: "ERR_SSL_WRONG_VERSION_NUMBER" },
    ],
    ["speaks plain HTTP", () => createHttpServer(), { kind: "not-connected", failure: "ERR_SSL_WRONG_VERSION_NUMBER" }],
    [
      "closes the connection instead of the renegotiation",
      () => renegotiationServer((socket) => socket.end()),
      { kind: "rejected", failure: "ECONNRESET" },
    ],
    [
      "resets the connection instead of the renegotiation",
      () => renegotiationServer((socket) => socket.resetAndDestroy()),
      { kind: "rejected", failure: "ECONNRESET" },
    ],
    [
      "sends bytes that are not TLS instead of the renegotiation",
      () => renegotiationServer((socket) => socket.write(garbage)),
      { kind: "rejected", failure: "ERR_SSL_WRONG_VERSION_NUMBER" },
    ],
  ])("resolves if the peer %s", async (_name, server, outcome) => {
    expect(await attempt(server())).toEqual(outcome);
  });

  test("resolves if the peer does not react to the handshake", async () => {
    const limit = new AbortController();
    const server = tcpServer((socket) => socket.on("data", () => limit.abort()));
    expect(await attempt(server, limit)).toEqual({ kind: "not-connected", failure: "ETIMEDOUT" });
  });

  test("resolves if the peer does not react to the renegotiation", async () => {
    const limit = new AbortController();
    const server = renegotiationServer(() => limit.abort());
    expect(await attempt(server, limit)).toEqual({ kind: "rejected", failure: "ETIMEDOUT" });
  });
});
