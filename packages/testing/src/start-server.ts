import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";

/** The Node.js servers that `startServer` supports. */
export type StartableServer = HttpServer | HttpsServer | Http2SecureServer;

/** A listening server. */
export interface RunningServer {
  /** For example `https://127.0.0.1:41234`, without a trailing slash. */
  readonly url: string;
  /**
   * Stops listening and closes all connections, idle or busy, including HTTP/2 sessions. Does nothing if the server is
   * no longer listening.
   */
  readonly close: () => Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1, which other machines cannot reach. With Fastify, pass `app.server` after
 * `await app.ready()`.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#startServer -->
 * ```ts
 * const { url, close } = await startServer(createServer(kit.serverOptions, app));
 *
 * const { status } = await mtlsRequest(`${url}/accounts`, { ca: kit.ca.certificate });
 * assert.equal(status, 401);
 * await close();
 * ```
 *
 * @throws TypeError if the argument is not a server of Node.js, for example an Express or a Fastify application
 * @throws Error if the server is already listening
 */
export async function startServer(server: StartableServer): Promise<RunningServer> {
  assertServer(server);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // The address of a server that listens on a TCP port is always an AddressInfo.
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

/** Rejects the applications of Express and Fastify, which have `listen` but no `address`. */
function assertServer(server: Partial<StartableServer> | undefined): void {
  if (typeof server?.address === "function") return;
  throw new TypeError(
    "The argument is not a server of node:http, node:https or node:http2. " +
      "With Express: createServer(kit.serverOptions, app). With Fastify: await app.ready(), then app.server.",
  );
}
