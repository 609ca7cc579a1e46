import type { Identity } from "@certbound/testing";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import { kit } from "./check.js";

/** A request that a gateway or proxy received, and the certificate of the client that sent it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  /** Without hop-by-hop headers. */
  readonly headers: Record<string, string>;
  readonly identity: Pick<Identity, "certificate"> | null;
}

/** Simulates a gateway or proxy: terminates TLS, and passes every request to `forward`. */
export function terminateTls(forward: (received: Received) => Promise<Response>): Server {
  return createServer(kit.serverOptions, (request, response) => {
    const { method = "", url: path = "" } = request;
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate()?.toString();
    const { connection: _connection, ...others } = request.headers;
    const headers = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)]));
    forward({ method, path, headers, identity: certificate === undefined ? null : { certificate } })
      .then(async (result) => {
        response.writeHead(result.status, Object.fromEntries(result.headers));
        response.end(await result.text());
      })
      .catch((error: unknown) => response.destroy(error as Error));
  });
}
