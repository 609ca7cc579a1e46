import { type ClientCertificate, parseClientCertificate, parseVerifiedCertificate } from "./client-certificate.ts";
import { connectionOf, type IncomingRequest, nodeRequest } from "../http/incoming-request.ts";
import { isChainVerified, isSettled, peerCertificate } from "./tls-connection.ts";

/** Cache of the certificates of settled connections. */
const certificates = new WeakMap<object, ClientCertificate>();

/**
 * Reads the client certificate of the request's TLS connection. Returns null if the client presented none, if the connection
 * is closed (unless the certificate was read before, over TLS 1.3), and while a TLS renegotiation is in progress, because the
 * client has not yet proven the key of the new certificate.
 *
 * The resolver for servers that terminate TLS themselves, over HTTP/1.1 (including upgrade requests) and HTTP/2. Ignores
 * `socket.authorized`, which can be true without a certificate. Does not check the chain: this depends on the TLS options of
 * the server, and the binding does not need it (RFC 8705 section 6.2). For a `certificatePolicy`, `chainVerified` is true if
 * TLS verified the chain in the handshake of this connection; it is false for a resumed session.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#tlsCertificate -->
 * ```ts
 * const tls = { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
 *
 * const server = createServer(tls, (request, response) => {
 *   const certificate = tlsCertificate(request);
 *   if (certificate === null) response.writeHead(401).end("This API requires a client certificate");
 *   else response.end(certificate.thumbprint);
 * });
 * ```
 */
export function tlsCertificate(request: IncomingRequest): ClientCertificate | null {
  const received = nodeRequest(request);
  const connection = connectionOf(received);
  const cached = connection && certificates.get(connection);
  if (cached !== undefined) return cached;
  const certificate = peerCertificate(received);
  const parsed =
    certificate && (isChainVerified(received) ? parseVerifiedCertificate : parseClientCertificate)(certificate);
  if (parsed === undefined) return null;
  if (connection !== undefined && isSettled(connection)) certificates.set(connection, parsed);
  return parsed;
}
