import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A TLS server on 127.0.0.1 that can be stopped and started again. */
export interface StoppableServer {
  /** For example `https://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /** Closes every connection, and each new one before the TLS handshake. */
  readonly stop: () => void;
  readonly start: () => void;
  readonly close: () => Promise<void>;
}

/** Starts a server that keeps its port while it is stopped, so that no other process can take it. */
export async function startStoppableServer(tls: ServerOptions, listener: RequestListener): Promise<StoppableServer> {
  const server = createTlsServer(tls, listener);
  const sockets = new Set<Socket>();
  const destroyConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  let stopped = false;
  const port = createServer((socket) => {
    if (stopped) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    server.emit("connection", socket);
  });
  port.listen(0, "127.0.0.1");
  await once(port, "listening");
  // A server that listens on a port has an `AddressInfo`.
  const address = port.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${address.port}`,
    stop: () => {
      stopped = true;
      destroyConnections();
    },
    start: () => {
      stopped = false;
    },
    close: async () => {
      const closed = once(port, "close");
      port.close();
      destroyConnections();
      await closed;
    },
  };
}
