import { request } from "node:https";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { urlToHttpOptions } from "node:url";
import { failureCode, responseTo, SERVER_TIMEOUT } from "../inputs/http-exchange.ts";

/** A certificate and its key, as PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** Where requests go, and whom to trust there. */
export interface Target {
  readonly url: URL;
  readonly method: string;
  /** Authorities, as PEM; none: those that Node knows. */
  readonly ca: readonly string[];
}

/** What came of a request. */
export type Outcome =
  | { readonly kind: "answer"; readonly status: number; readonly hasChallenge: boolean }
  /** The connection ended in, or right after, the handshake: an alert, or no word at all. */
  | { readonly kind: "closed"; readonly failure: string }
  /** There was no connection or no HTTP response in time, or the server is not to be trusted with a token. */
  | { readonly kind: "unreachable"; readonly failure: string };

/** Describes how a server reacted to a TLS 1.2 renegotiation. */
export type RenegotiationOutcome =
  | { readonly kind: "renegotiated" }
  /** The handshake was complete, and the renegotiation was not: an alert, a closed connection, or no reaction in time. */
  | { readonly kind: "rejected"; readonly failure: string }
  /** There was no connection over TLS 1.2. */
  | { readonly kind: "not-connected"; readonly failure: string };

/** Makes one request over a connection of its own, with or without a certificate and a token. */
export async function exchange(
  target: Target,
  sent: { readonly identity?: TlsIdentity | undefined; readonly token?: string | undefined },
): Promise<Outcome> {
  const { url, method } = target;
  const { identity, token } = sent;
  const outgoing = request(url, {
    method,
    agent: false,
    signal: AbortSignal.timeout(SERVER_TIMEOUT),
    headers: { accept: "*/*", connection: "close", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...tlsOptions(target, identity),
  });
  try {
    outgoing.end();
    const incoming = await responseTo(outgoing);
    const { statusCode: status = 0, headers } = incoming;
    incoming.destroy();
    return { kind: "answer", status, hasChallenge: headers["www-authenticate"] !== undefined };
  } catch (error) {
    const failure = failureCode(error);
    return { kind: /^(?:ERR_SSL_|EPROTO|ECONNRESET|EPIPE)/.test(failure) ? "closed" : "unreachable", failure };
  }
}

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

/**
 * Returns the TLS options for a target: the certificate and key to present, and the CA certificates to trust. The server is
 * verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says.
 */
function tlsOptions(
  { ca }: Target,
  identity: TlsIdentity | undefined,
): { readonly rejectUnauthorized: true; readonly cert?: string; readonly key?: string; readonly ca?: string[] } {
  return {
    rejectUnauthorized: true,
    ...(identity !== undefined && { cert: identity.certificate, key: identity.key }),
    ...(ca.length > 0 && { ca: [...ca] }),
  };
}
