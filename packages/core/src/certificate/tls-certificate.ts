import { type ClientCertificate, parseClientCertificate, parseVerifiedCertificate } from "./client-certificate.ts";
import { connectionOf, type IncomingRequest, nodeRequest } from "../http/incoming-request.ts";
import { isChainVerified, isSettled, peerCertificate } from "./tls-connection.ts";

/** Certificates of settled connections; to read and hash one again takes 30 times as long as to find it here. */
const certificates = new WeakMap<object, ClientCertificate>();

/**
 * Reads the client certificate of the TLS connection that a request came over; null when the client presented none, when the
 * connection is closed (unless it was read before, over TLS 1.3), and while a TLS renegotiation is in progress, since the
 * client has not proven the key of the new certificate yet.
 *
 * The resolver for servers that terminate TLS themselves, over HTTP/1.1 (upgrade requests included) and HTTP/2. It finds
 * out whether there is a certificate by the certificate itself, not by `socket.authorized`, which does not prove one. It does
 * not check the chain: the server's TLS options decide that, and the binding does not need it (RFC 8705 section 6.2).
 * `chainVerified` says whether TLS verified the chain in the handshake of this connection, for a `certificatePolicy`; on a
 * resumed session it is false.
 */
export function tlsCertificate(request: IncomingRequest): ClientCertificate | null {
  const received = nodeRequest(request);
  const connection = connectionOf(received);
  const known = connection && certificates.get(connection);
  if (known !== undefined) return known;
  const certificate = peerCertificate(received);
  const parsed =
    certificate && (isChainVerified(received) ? parseVerifiedCertificate : parseClientCertificate)(certificate);
  if (parsed === undefined) return null;
  if (connection !== undefined && isSettled(connection)) certificates.set(connection, parsed);
  return parsed;
}
