import type { ClientCertificateInput } from "../client-certificate.ts";
import type { AccessTokenError } from "../errors.ts";

/** What a resolver may give; null, undefined and `""`: the client presented no certificate; an error: why there is none. */
export type ResolvedCertificate = ClientCertificateInput | AccessTokenError | null | undefined;

/**
 * Finds the client's certificate for a request.
 *
 * It runs once for each request, after the access token was found and before it is looked at. Read the certificate before
 * the first `await`: a closed socket has none. Only errors with an `ERR_CERTIFICATE_*` code may be returned; what it
 * throws, and what it returns outside this type, is an error of the application (500), never a refusal.
 */
export type ClientCertificateResolver<Request> = (
  request: Request,
) => ResolvedCertificate | Promise<ResolvedCertificate>;
