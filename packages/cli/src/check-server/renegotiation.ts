import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { urlToHttpOptions } from "node:url";
import { failureCode } from "../inputs/issuer-exchanges.ts";
import { type Target, type TlsIdentity, tlsOptions } from "./exchange.ts";

/** Describes how a server reacted to a TLS 1.2 renegotiation. */
export type RenegotiationOutcome =
  | { readonly kind: "renegotiated" }
  /** The handshake was complete, and the renegotiation was not: an alert, a closed connection, or no reaction in time. */
  | { readonly kind: "rejected"; readonly failure: string }
  /** There was no connection over TLS 1.2. */
  | { readonly kind: "not-connected"; readonly failure: string };

/**
 * Opens a connection over TLS 1.2 and attempts a renegotiation on it. Sends no request, and so no token.
 *
 * @param signal ends the attempt when it is aborted
 */
export function attemptRenegotiation(
  target: Target,
  { identity, signal }: { readonly identity: TlsIdentity; readonly signal: AbortSignal },
): Promise<RenegotiationOutcome> {
  return new Promise((resolve) => {
    const socket = connectOverTls12(target, identity);
    let isConnected = false;
    const end = (outcome: RenegotiationOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    const fail = (failure: string): void => end({ kind: isConnected ? "rejected" : "not-connected", failure });
    // Stays for the errors of a destroyed socket.
    socket.on("error", (error) => fail(failureCode(error)));
    socket.once("close", () => fail("ECONNRESET"));
    signal.addEventListener("abort", () => fail("ETIMEDOUT"), { once: true });
    socket.once("secureConnect", () => {
      isConnected = true;
      // Node reports the end of a connection when all data was read.
      socket.resume();
      socket.renegotiate({}, (error) => (error === null ? end({ kind: "renegotiated" }) : fail(failureCode(error))));
    });
  });
}

function connectOverTls12(target: Target, identity: TlsIdentity): TLSSocket {
  const { hostname, port } = urlToHttpOptions(target.url);
  const host = String(hostname);
  return connect({
    host,
    port: Number(port ?? 443),
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
    ...tlsOptions(target, identity),
  });
}
