import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { failureCode, SERVER_TIMEOUT } from "../inputs/http-requests.ts";

/** The certificates of a server, the leaf first, or an error code. */
export type ServerCertificates = { readonly certificates: readonly X509Certificate[] } | { readonly failure: string };

/**
 * Reads the certificates that a server presents, without verifying them. Sends the host name in the handshake (SNI). Node.js
 * completes the chain with certificates from its trust store.
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
    // Not verified, because the certificate is only displayed and no data is sent over this connection.
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
    // Limits the whole handshake, because a slow server can keep the connection active.
    AbortSignal.timeout(SERVER_TIMEOUT).addEventListener("abort", () => end({ failure: "ETIMEDOUT" }), { once: true });
    // Also handles errors of the destroyed socket.
    socket.on("error", fail);
    socket.once("close", () => end({ failure: "ECONNRESET" }));
  });
}

function chainOf(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<DetailedPeerCertificate>();
  // A root certificate refers to itself as its issuer.
  for (let next = leaf; next?.raw !== undefined && !seen.has(next); next = next.issuerCertificate) {
    seen.add(next);
    chain.push(new X509Certificate(next.raw));
  }
  return chain;
}
