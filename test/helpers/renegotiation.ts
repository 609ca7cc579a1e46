import { once } from "node:events";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** Opens a TLS connection to a server on loopback, without checking the name in its certificate. */
export async function openConnection(url: string, options: ConnectionOptions): Promise<TLSSocket> {
  const port = Number(new URL(url).port);
  const socket = connect({ host: "127.0.0.1", port, checkServerIdentity: () => undefined, ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** Starts a TLS renegotiation. Resolves with null when the handshake is complete, or with the client's error. */
export function renegotiate(socket: TLSSocket): Promise<Error | null> {
  return new Promise((resolve) => {
    socket.once("error", resolve);
    socket.renegotiate({}, resolve);
  });
}
