import type { X509Certificate } from "node:crypto";
import { connectionOf, type NodeRequest, type NodeSocket } from "../http/incoming-request.ts";
import { memberOf } from "../values/object-member.ts";

/** The connections that use TLS 1.3, which has no renegotiation: their certificate cannot change, even after they close. */
const tls13Connections = new WeakSet<object>();

/** Returns whether the certificate of a connection is known to be final. Call {@link unprovenReason} first to detect this. */
export function isCertificateFinal(connection: object): boolean {
  return tls13Connections.has(connection);
}

/** Reads the client certificate of a request's connection; undefined if there is none, or if it is not proven. */
export function peerCertificate(request: NodeRequest): X509Certificate | undefined {
  try {
    const { socket } = request;
    const certificate = memberOf(socket, "getPeerX509Certificate") && socket.getPeerX509Certificate?.();
    return certificate && unprovenReason(request) === undefined ? certificate : undefined;
  } catch {
    // A closed connection throws (HTTP/2: ERR_HTTP2_SOCKET_UNBOUND), and so does a request without a socket.
    return undefined;
  }
}

/**
 * Returns why the certificate of a request's connection is not proven, that is, why it is not certain that the client holds
 * the private key. Returns undefined if the certificate is proven, or if the request has no TLS socket.
 *
 * Below TLS 1.3 a client can renegotiate at any time, and OpenSSL returns the new certificate before the client has proven
 * that it holds the key:
 *
 * - After a Certificate message, `getCipher()` returns undefined until the handshake is complete. It returns null once the
 *   connection is closed: then it is unknown whether a certificate that was read earlier was proven.
 * - After a ClientHello with a session ticket (which is sent in clear text, so anyone can replay it), `getCipher()` and the
 *   certificate immediately belong to the session of the ticket. The connection looks like one that started with a resumed
 *   session, except that Node has counted another handshake.
 */
export function unprovenReason(request: NodeRequest): string | undefined {
  const connection = connectionOf(request);
  if (connection === undefined || tls13Connections.has(connection)) return undefined;
  const { socket } = request;
  try {
    if (memberOf(socket, "getProtocol") && socket.getProtocol?.() === "TLSv1.3") {
      tls13Connections.add(connection);
      return undefined;
    }
    if (memberOf(socket, "getCipher") === undefined) return undefined;
    const cipher = socket.getCipher?.();
    if (cipher === null) return CLOSED;
    return cipher === undefined || isResumedByRenegotiation(socket) ? RENEGOTIATING : undefined;
  } catch {
    // The connection is closed.
    return CLOSED;
  }
}

const CLOSED = "the connection is closed, so its client certificate can no longer be verified";
const RENEGOTIATING =
  "a TLS renegotiation is in progress, and the client has not yet proven that it holds the private key of its certificate";

function isResumedByRenegotiation(socket: NodeSocket): boolean {
  if (memberOf(socket, "isSessionReused") === undefined || socket.isSessionReused?.() !== true) return false;
  return hasRenegotiated(socket);
}

/** Reads an undocumented member of Node's sockets. If it is missing, the connection counts as renegotiated. */
function hasRenegotiated(socket: NodeSocket): boolean {
  const handle = memberOf(socket as { readonly _handle?: { readonly handshakes?: unknown } | null }, "_handle");
  return !handle || memberOf(handle, "handshakes") !== 0;
}

/**
 * Makes Node close the connection of a request if the client starts a TLS renegotiation. Does nothing for HTTP/2 and TLS 1.3,
 * which have no renegotiation.
 *
 * Does not stop a handshake that is already in progress; {@link unprovenReason} detects such a handshake.
 */
export function disableRenegotiation(request: NodeRequest): void {
  const connection = connectionOf(request);
  if (connection === undefined || tls13Connections.has(connection)) return;
  const { socket } = request;
  if (connection === socket && memberOf(socket, "disableRenegotiation")) socket.disableRenegotiation?.();
}

/**
 * Returns whether TLS verified the chain of the client's certificate in the first and only handshake of this connection.
 *
 * Meaningful only together with a certificate. For a resumed session, Node reports the result of the first handshake, which
 * may have used the CA certificates of another virtual host, or a certificate that has expired since. `authorized` can then
 * be true even if the client presented no certificate. A renegotiation does not change `authorized`, and Node reports the
 * error of an invalid certificate only after the application has stored the new session (`newSession`).
 */
export function isChainVerified(request: NodeRequest): boolean {
  const { socket } = request;
  try {
    const isAuthorized = memberOf(socket, "authorized") === true && !memberOf(socket, "authorizationError");
    const isResumed = memberOf(socket, "isSessionReused") === undefined || socket.isSessionReused?.() !== false;
    return isAuthorized && !isResumed && !(isRenegotiable(request) && hasRenegotiated(socket));
  } catch {
    // The connection is closed.
    return false;
  }
}

/** Returns whether the client can renegotiate (below TLS 1.3). A socket without `getCipher` is not a TLS socket of Node. */
function isRenegotiable(request: NodeRequest): boolean {
  const connection = connectionOf(request);
  return (
    connection !== undefined && !tls13Connections.has(connection) && memberOf(request.socket, "getCipher") !== undefined
  );
}
