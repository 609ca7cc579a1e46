import type { Identity } from "@certbound/testing";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";

/** How a client goes: with a FIN, or with a RST and without a word. */
export type Departure = "closes" | "resets";

/** A connection on which a client sends what it likes. */
export interface RawConnection {
  readonly send: (bytes: string | Uint8Array) => Promise<void>;
  /** Sends no more, and still listens. */
  readonly halfClose: () => void;
  /** What has come when the server has nothing more to say; the server ends the connection. */
  readonly received: () => Promise<Buffer>;
  readonly leave: (departure: Departure) => Promise<void>;
}

/** Where to connect to, and as whom. */
export interface RawTls {
  readonly url: string;
  readonly ca: string;
  readonly identity?: Identity | undefined;
  readonly protocol: "http/1.1" | "h2";
}

/** Connects without TLS. */
export async function openTcp(url: string): Promise<RawConnection> {
  const socket = tcp(url);
  await once(socket, "connect");
  return rawConnection(socket, socket);
}

/** Connects with TLS, and with a certificate or none. */
export async function openTls({ url, ca, identity, protocol }: RawTls): Promise<RawConnection> {
  const socket = tcp(url);
  const tls = connectTls({
    socket,
    servername: "localhost",
    secureContext: contextOf(ca, identity),
    ALPNProtocols: [protocol],
  });
  await once(tls, "secureConnect");
  return rawConnection(socket, tls);
}

/** Begins a handshake, and goes as soon as the server has taken its part in it. */
export async function leaveHandshake({ url, ca }: RawTls, departure: Departure): Promise<void> {
  const socket = tcp(url);
  const tls = connectTls({ socket, servername: "localhost", secureContext: contextOf(ca) });
  const connection = rawConnection(socket, tls);
  // The first secret is known when the server has answered.
  await once(tls, "keylog");
  await connection.leave(departure);
}

/** Gives what a client sends first in a handshake. */
export async function clientHello(): Promise<Buffer> {
  const wire = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, callback) => {
      wire.emit("written", chunk);
      callback();
    },
  });
  const written = once(wire, "written") as Promise<[Buffer]>;
  const tls = connectTls({ socket: wire, servername: "localhost" });
  tls.on("error", () => {});
  const [hello] = await written;
  tls.destroy();
  return hello;
}

/** Leaves connections, one by closing it, the next by resetting it. */
export async function leaveInTurn(connections: readonly RawConnection[]): Promise<void> {
  await Promise.all(connections.map((connection, index) => connection.leave(index % 2 === 0 ? "closes" : "resets")));
}

/** To make one costs more than a handshake. */
const contexts = new Map<string, SecureContext>();

function contextOf(ca: string, identity?: Identity): SecureContext {
  const name = ca + (identity?.thumbprint ?? "");
  const known =
    contexts.get(name) ??
    createSecureContext({ ca, ...(identity && { cert: identity.certificate, key: identity.key }) });
  contexts.set(name, known);
  return known;
}

function tcp(url: string): Socket {
  // Not to answer the server's FIN with one is what half-open means.
  return connectTcp({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
}

function rawConnection(socket: Socket, stream: Duplex): RawConnection {
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve) => {
    stream.once("end", resolve).once("close", resolve);
  });
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  // The other side may be gone already, which is what these clients are about.
  stream.on("error", () => {});
  socket.on("error", () => {});
  return {
    send: (bytes) => new Promise((resolve) => void stream.write(bytes, () => resolve())),
    halfClose: () => void stream.end(),
    received: async () => {
      await ended;
      await leave(socket, "closes");
      return Buffer.concat(chunks);
    },
    leave: (departure) => leave(socket, departure),
  };
}

async function leave(socket: Socket, departure: Departure): Promise<void> {
  if (socket.destroyed) return;
  const closed = once(socket, "close");
  if (departure === "resets") socket.resetAndDestroy();
  else socket.destroy();
  await closed;
}
