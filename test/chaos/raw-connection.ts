import type { Identity } from "@certbound/testing";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";

/** How a client disconnects: with a FIN, or with a RST and without a TLS alert. */
export type Departure = "closes" | "resets";

/** A connection on which a client sends arbitrary bytes. */
export interface RawConnection {
  readonly send: (bytes: string | Uint8Array) => Promise<void>;
  /** Ends the client's side of the connection, and keeps receiving. */
  readonly halfClose: () => void;
  /** Returns all received bytes after the server has ended the connection. */
  readonly received: () => Promise<Buffer>;
  readonly leave: (departure: Departure) => Promise<void>;
}

/** The server, the client's identity and the protocol of a TLS connection. */
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

/** Connects with TLS, with a certificate if `identity` is given. */
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

/** Begins a handshake, and disconnects after the first flight of the server. */
export async function leaveHandshake({ url, ca }: RawTls, departure: Departure): Promise<void> {
  const socket = tcp(url);
  const tls = connectTls({ socket, servername: "localhost", secureContext: contextOf(ca) });
  const connection = rawConnection(socket, tls);
  // The first secret is derived when the server has responded.
  await once(tls, "keylog");
  await connection.leave(departure);
}

/** Returns the ClientHello of a handshake. */
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

/** Disconnects, alternately by closing and by resetting. */
export async function leaveInTurn(connections: readonly RawConnection[]): Promise<void> {
  await Promise.all(connections.map((connection, index) => connection.leave(index % 2 === 0 ? "closes" : "resets")));
}

/** Cached, because creating a context costs more than a handshake. */
const contexts = new Map<string, SecureContext>();

function contextOf(ca: string, identity?: Identity): SecureContext {
  const name = ca + (identity?.thumbprint ?? "");
  const context =
    contexts.get(name) ??
    createSecureContext({ ca, ...(identity && { cert: identity.certificate, key: identity.key }) });
  contexts.set(name, context);
  return context;
}

function tcp(url: string): Socket {
  // Half-open: the client does not respond to the server's FIN with a FIN.
  return connectTcp({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
}

function rawConnection(socket: Socket, stream: Duplex): RawConnection {
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve) => {
    stream.once("end", resolve).once("close", resolve);
  });
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  // The server may have closed the connection already.
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
