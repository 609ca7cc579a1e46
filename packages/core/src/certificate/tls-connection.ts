import type { X509Certificate } from "node:crypto";
import { connectionOf, type NodeRequest, type NodeSocket } from "../http/incoming-request.ts";
import { memberOf } from "../values/object-member.ts";

/** Connections over TLS 1.3, which has no renegotiation: their certificate cannot change, also when they have closed. */
const settled = new WeakSet<object>();

/** Returns whether the certificate of a connection cannot change any more; known once the connection was looked at. */
export function isSettled(connection: object): boolean {
  return settled.has(connection);
}

/** Reads the client certificate of a request's connection; undefined where there is none, or none that is proven. */
export function peerCertificate(request: NodeRequest): X509Certificate | undefined {
  try {
    const { socket } = request;
    const certificate = memberOf(socket, "getPeerX509Certificate") && socket.getPeerX509Certificate?.();
    return certificate && unprovenCertificate(request) === undefined ? certificate : undefined;
  } catch {
    // A closed connection throws (HTTP/2: ERR_HTTP2_SOCKET_UNBOUND), and so does a request without a socket: no certificate.
    return undefined;
  }
}

/**
 * Returns why a certificate that is read from the connection of a request proves nothing now; undefined when it does, and for
 * a request without a TLS socket.
 *
 * Below TLS 1.3 a client may renegotiate at any time, and OpenSSL shows its new certificate before the client has proven
 * that it holds the key:
 *
 * - After a Certificate message there is no cipher until the handshake is complete. `getCipher()` is undefined then, and
 *   null once the connection has closed: what was read before that may not have been proven.
 * - After a ClientHello with the ticket of a session, which travels in clear text, `getCipher()` and the certificate are
 *   those of that session at once. The connection looks like one that began with a resumed session, except that Node has
 *   counted a further handshake.
 */
export function unprovenCertificate(request: NodeRequest): string | undefined {
  const connection = connectionOf(request);
  if (connection === undefined || settled.has(connection)) return undefined;
  const { socket } = request;
  try {
    if (memberOf(socket, "getProtocol") && socket.getProtocol?.() === "TLSv1.3") {
      settled.add(connection);
      return undefined;
    }
    if (memberOf(socket, "getCipher") === undefined) return undefined;
    const cipher = socket.getCipher?.();
    if (cipher === null) return CLOSED;
    return cipher === undefined || isResumedByRenegotiation(socket) ? RENEGOTIATING : undefined;
  } catch {
    // As above.
    return CLOSED;
  }
}

const CLOSED = "the connection is closed: its client certificate is not known any more";
const RENEGOTIATING = "a TLS renegotiation is in progress: the client has not proven the key of its certificate";

function isResumedByRenegotiation(socket: NodeSocket): boolean {
  if (memberOf(socket, "isSessionReused") === undefined || socket.isSessionReused?.() !== true) return false;
  return hasRenegotiated(socket);
}

/** Fails closed: the count is an undocumented member of Node's, and one that is missing counts as a renegotiation. */
function hasRenegotiated(socket: NodeSocket): boolean {
  const handle = memberOf(socket as { readonly _handle?: { readonly handshakes?: unknown } | null }, "_handle");
  return !handle || memberOf(handle, "handshakes") !== 0;
}

/**
 * Has Node end the connection of a request when its client begins a TLS renegotiation. HTTP/2 and TLS 1.3 have none.
 *
 * A handshake that has begun already goes on: {@link unprovenCertificate} recognises it.
 */
export function rejectRenegotiation(request: NodeRequest): void {
  const connection = connectionOf(request);
  if (connection === undefined || settled.has(connection)) return;
  const { socket } = request;
  if (connection === socket && memberOf(socket, "disableRenegotiation")) socket.disableRenegotiation?.();
}

/**
 * Returns whether TLS verified the chain of the client's certificate in the first and only handshake of this connection.
 *
 * Only meaningful together with a certificate. On a resumed session, Node repeats the result of the first handshake: maybe
 * with the CA certificates of another host of the server, maybe before the certificate expired; and where a client presented
 * no certificate, it says `authorized` all the same. After a renegotiation it keeps `authorized` as it was, and adds the error
 * of a certificate that failed only once the application has stored the new session (`newSession`).
 */
export function isChainVerified(request: NodeRequest): boolean {
  const { socket } = request;
  try {
    const isAuthorized = memberOf(socket, "authorized") === true && !memberOf(socket, "authorizationError");
    const isResumed = memberOf(socket, "isSessionReused") === undefined || socket.isSessionReused?.() !== false;
    return isAuthorized && !isResumed && !(isRenegotiable(request) && hasRenegotiated(socket));
  } catch {
    // As above.
    return false;
  }
}

/** Returns whether a connection can be renegotiated: over TLS below 1.3; a socket without `getCipher` is not one of Node's. */
function isRenegotiable(request: NodeRequest): boolean {
  const connection = connectionOf(request);
  return connection !== undefined && !settled.has(connection) && memberOf(request.socket, "getCipher") !== undefined;
}
