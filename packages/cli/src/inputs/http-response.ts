import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Waits for the response to a request, whatever its status is.
 *
 * After 101, Node.js hands over the connection instead of emitting "response": such a response has no body here, and its
 * connection is closed.
 */
export function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const handOver = (incoming: IncomingMessage, socket: Duplex): void => {
      socket.destroy();
      resolve(incoming);
    };
    outgoing.once("response", resolve).once("upgrade", handOver);
    // Stays: a connection that fails after the response does not matter here.
    outgoing.on("error", reject);
    outgoing.once("close", () => reject(failure("the connection was closed without a response", "ECONNRESET")));
  });
}

/** Creates an error with a code, as Node.js does. */
export function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
