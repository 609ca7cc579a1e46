import { type ClientCertificate, parseClientCertificate } from "../client-certificate.ts";
import { type IncomingRequest, nodeRequest, peerCertificate } from "../incoming-request.ts";

/**
 * Reads the client certificate of the TLS connection that a request came over; null when the client presented none.
 *
 * The resolver for servers that end TLS themselves, over HTTP/1.1 (upgrade requests included) and HTTP/2. It asks for the
 * certificate itself and never for `socket.authorized`, which is no proof of one. It does not check the chain: that is
 * decided by the server's TLS options, and not needed for the binding (RFC 8705 section 6.2).
 */
export function tlsCertificate(request: IncomingRequest): ClientCertificate | null {
  const certificate = peerCertificate(nodeRequest(request));
  return certificate === undefined ? null : (parseClientCertificate(certificate) ?? null);
}
