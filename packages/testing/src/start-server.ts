import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";

/** Names the servers of Node.js that can be started. */
export type StartableServer = HttpServer | HttpsServer | Http2SecureServer;

/** Describes a server that listens, and ends it. */
export interface RunningServer {
  /** Such as `https://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /**
   * Stops listening and ends all connections, idle or busy, HTTP/2 sessions included; nothing if the server no longer
   * listens.
   */
  readonly close: () => Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1, where no other machine can reach the server.
 *
 * Connections that were made before this call are not ended by `close`.
 */
export async function startServer(server: StartableServer): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // a server that listens on a port has an address of this kind
  const { port } = server.address() as AddressInfo;
  const scheme = server instanceof TlsServer ? "https" : "http";
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
