import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { failureCode, SERVER_TIMEOUT } from "../inputs/http-exchange.ts";

/** The certificates of a server, the leaf first, or the code of what failed. */
export type ServerCertificates = { readonly certificates: readonly X509Certificate[] } | { readonly failure: string };

/**
 * Reads the certificates that a server presents, with its name in the handshake (SNI); they are not verified. Node.js adds
 * those of its own trust store that complete the chain.
 */
export function serverCertificates({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<ServerCertificates> {
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    // What is presented is to be seen, not believed: nothing is sent over this connection.
    const socket = connect({ host, port, ...servername, rejectUnauthorized: false });
    const end = (result: ServerCertificates): void => {
      socket.destroy();
      resolve(result);
    };
    const fail = (error: unknown): void => end({ failure: failureCode(error) });
    socket.once("secureConnect", () => {
      try {
        end({ certificates: chainOf(socket.getPeerCertificate(true)) });
      } catch (error) {
        fail(error);
      }
    });
    // The whole handshake: a server can send a byte now and then.
    AbortSignal.timeout(SERVER_TIMEOUT).addEventListener("abort", () => end({ failure: "ETIMEDOUT" }), { once: true });
    // Stays for the errors of a destroyed socket.
    socket.on("error", fail);
    socket.once("close", () => end({ failure: "ECONNRESET" }));
  });
}

function chainOf(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<DetailedPeerCertificate>();
  // A root is its own issuer.
  for (let one = leaf; one?.raw !== undefined && !seen.has(one); one = one.issuerCertificate) {
    seen.add(one);
    chain.push(new X509Certificate(one.raw));
  }
  return chain;
}
