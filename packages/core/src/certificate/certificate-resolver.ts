import type { ClientCertificateInput } from "./client-certificate.ts";
import type { AccessTokenError } from "../errors.ts";

/** What a resolver may give; null, undefined and `""`: the client presented no certificate; an error: why there is none. */
export type ResolvedCertificate = ClientCertificateInput | AccessTokenError | null | undefined;

/**
 * Finds the client's certificate for a request.
 *
 * It runs at most once for each request: before the access token is looked at, and not at all where there is none. It does
 * not wait for a `tokenResolver` that returns a promise. To read the certificate of the connection, call
 * `tlsCertificate(request)`, before the first `await`. Never read the socket: below TLS 1.3, a client can begin a
 * renegotiation, and the socket then shows a certificate whose key the client has not proven. For this reason, on a
 * connection over TLS below 1.3, no certificate is accepted while a renegotiation is in progress, and none from a resolver
 * that waited while the connection closed, wherever the resolver read it.
 *
 * Only errors with an `ERR_CERTIFICATE_*` code may be returned. Whatever it throws, or returns outside this type, is an error
 * of the application (500), never a rejection of the client.
 */
export type ClientCertificateResolver<Request> = (
  request: Request,
) => ResolvedCertificate | Promise<ResolvedCertificate>;
