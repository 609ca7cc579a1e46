import { request } from "node:https";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { urlToHttpOptions } from "node:url";
import { failureCode, responseTo, SERVER_TIMEOUT } from "../inputs/http-requests.ts";

/** A certificate and its key, as PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** The API, and the CA certificates to trust for it. */
export interface Target {
  readonly url: URL;
  readonly method: string;
  /** CA certificates, as PEM; if empty, those that Node.js trusts. */
  readonly ca: readonly string[];
}

/** The result of a request. */
export type Outcome =
  | { readonly kind: "response"; readonly status: number; readonly hasChallenge: boolean }
  /** The TLS handshake failed, or the connection was closed before a response arrived. */
  | { readonly kind: "closed"; readonly failure: string }
  /** The connection failed, the HTTP response did not arrive in time, or the server's certificate is not trusted. */
  | { readonly kind: "unreachable"; readonly failure: string };

/** The reaction of a server to a TLS 1.2 renegotiation. */
export type RenegotiationOutcome =
  | { readonly kind: "renegotiated" }
  /** The renegotiation failed after a complete handshake: an alert, a closed connection, or no reaction in time. */
  | { readonly kind: "rejected"; readonly failure: string }
  /** No connection over TLS 1.2 could be established. */
  | { readonly kind: "not-connected"; readonly failure: string };

/** Sends one request over a new connection, with or without a certificate and a token. */
export async function sendRequest(
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
    return { kind: "response", status, hasChallenge: headers["www-authenticate"] !== undefined };
  } catch (error) {
    const failure = failureCode(error);
    return { kind: /^(?:ERR_SSL_|EPROTO|ECONNRESET|EPIPE)/.test(failure) ? "closed" : "unreachable", failure };
  }
}

/**
 * Opens a connection over TLS 1.2 and attempts a renegotiation on it. Does not send a request or a token.
 *
 * @param signal aborts the attempt
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
    // Also handles errors of the destroyed socket.
    socket.on("error", (error) => fail(failureCode(error)));
    socket.once("close", () => fail("ECONNRESET"));
    signal.addEventListener("abort", () => fail("ETIMEDOUT"), { once: true });
    socket.once("secureConnect", () => {
      isConnected = true;
      // Node.js reports the end of a connection only after all data is read.
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
 * Returns the TLS options for a target: the certificate and key to present, and the CA certificates to trust. The server's
 * certificate is verified even if NODE_TLS_REJECT_UNAUTHORIZED is 0.
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
