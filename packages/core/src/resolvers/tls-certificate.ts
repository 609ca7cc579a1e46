import { type ClientCertificate, parseClientCertificate, parseVerifiedCertificate } from "../client-certificate.ts";
import {
  connectionOf,
  type IncomingRequest,
  isChainVerified,
  nodeRequest,
  peerCertificate,
} from "../incoming-request.ts";

/**
 * Of connections on which it cannot change; that a client has none is not remembered. To read and hash one anew takes 30
 * times as long as to find it here.
 */
const certificates = new WeakMap<object, ClientCertificate>();

/**
 * Reads the client certificate of the TLS connection that a request came over; null when the client presented none.
 *
 * The resolver for servers that end TLS themselves, over HTTP/1.1 (upgrade requests included) and HTTP/2. It asks for the
 * certificate itself and never for `socket.authorized`, which is no proof of one. It does not check the chain: that is
 * decided by the server's TLS options, and not needed for the binding (RFC 8705 section 6.2). Whether it was verified is
 * said beside the certificate, for a `certificatePolicy`.
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
  // Before TLS 1.3, a client may renegotiate with another certificate.
  if (connection !== undefined && received.socket.getProtocol?.() === "TLSv1.3") certificates.set(connection, parsed);
  return parsed;
}
