import { type ClientCertificate, parseClientCertificate, parseVerifiedCertificate } from "./client-certificate.ts";
import { connectionOf, type IncomingRequest, nodeRequest } from "../http/incoming-request.ts";
import { isCertificateFinal, isChainVerified, peerCertificate } from "./tls-connection.ts";

/** Cache of the certificates that cannot change, by connection. */
const certificates = new WeakMap<object, ClientCertificate>();

/**
 * Reads the client certificate of the request's TLS connection. This is the certificate resolver for servers that terminate
 * TLS themselves, over HTTP/1.1 (including upgrade requests) and HTTP/2.
 *
 * Returns null if the client presented no certificate, or if the connection is closed. Over TLS 1.3, a certificate that was
 * read earlier is returned even after the connection is closed. Also returns null during a TLS renegotiation, because the
 * client has not yet proven that it holds the private key of the new certificate.
 *
 * Does not check the chain, because the binding does not depend on the chain (RFC 8705 section 6.2). The options of the
 * server determine whether TLS verifies the chain. For a `certificatePolicy`, `chainVerified` is true if TLS verified the
 * chain in the handshake of this connection, and false for a resumed session. `socket.authorized` alone is not used, because
 * it can be true without a certificate.
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
 *
 * @throws TypeError if the value is not a request
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
  if (connection !== undefined && isCertificateFinal(connection)) certificates.set(connection, parsed);
  return parsed;
}
