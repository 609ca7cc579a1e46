import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** Handles a connection. */
export type Behavior = (socket: Socket) => void;

/** A peer that listens on loopback. */
export interface Peer {
  readonly port: number;
  /** Returns the number of accepted connections. */
  readonly connections: () => number;
  /** Waits until the client has closed every connection, and closes the peer. */
  readonly close: () => Promise<void>;
}

/** Starts a peer with the given behavior, over TLS if options are given. */
export async function startPeer(behave: Behavior, tls?: TlsOptions): Promise<Peer> {
  const closed: Promise<unknown>[] = [];
  let connections = 0;
  const accept = (socket: Socket): void => {
    connections += 1;
    behave(socket.on("error", () => {}));
    // The end of a connection is detected only by reading.
    socket.resume();
  };
  const server: Server = tls === undefined ? createTcpServer(accept) : createTlsServer(tls, accept);
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {});
    closed.push(new Promise((resolve) => socket.once("close", resolve)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // The address of a server that listens on a port is an AddressInfo.
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: async () => {
      await Promise.all(closed);
      await once(server.close(), "close");
    },
  };
}

/** Responds to the first bytes of each connection with the given bytes. */
export function respond(bytes: string): Behavior {
  return (socket) => socket.once("data", () => socket.write(bytes, "latin1"));
}

/** Responds like {@link respond}, and then resets or closes the connection. */
export function respondAndEnd(bytes: string, end: (socket: Socket) => void): Behavior {
  return (socket) => socket.once("data", () => socket.write(bytes, "latin1", () => end(socket)));
}

/** Responds with the given bytes, and then repeats a piece as long as the client reads. */
export function flood(bytes: string, piece: string): Behavior {
  return (socket) => {
    const write = (): void => {
      while (socket.writable && socket.write(piece, "latin1"));
    };
    socket.on("drain", write).once("data", () => {
      socket.write(bytes, "latin1");
      write();
    });
  };
}

/** Responds with the given bytes, and then sends a piece every 100 ms until the connection is closed. */
export function drip(bytes: string, piece: string): Behavior {
  return (socket) => {
    socket.once("data", () => {
      socket.write(bytes, "latin1");
      const timer = setInterval(() => socket.write(piece, "latin1"), 100);
      socket.once("close", () => clearInterval(timer));
    });
  };
}

/** Returns a complete response with a JSON body. */
export function json(body: string, status = "200 OK"): string {
  const length = Buffer.byteLength(body);
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\nconnection: close`;
  // The peers write latin1, so each UTF-8 byte becomes one character.
  return `${head}\r\n\r\n${Buffer.from(body).toString("latin1")}`;
}
