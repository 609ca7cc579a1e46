import { callApplication } from "./application-callback.ts";
import { bearerToken } from "./bearer.ts";
import { type PresentedCertificate, presentedCertificate } from "./binding.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import { type IncomingRequest, nodeRequest } from "./incoming-request.ts";
import type { ClientCertificateResolver, ResolvedCertificate } from "./resolvers/certificate-resolver.ts";

/** What a request is judged by: the two things that are read of it. */
export interface Credentials {
  readonly token: string;
  readonly certificate: PresentedCertificate;
}

/** Finds the access token of a request instead of the Authorization header; null, undefined and `""`: there is none. */
export type TokenResolver<Request> = (
  request: Request,
) => string | null | undefined | Promise<string | null | undefined>;

/** How credentials are found. */
export interface CredentialSources<Request> {
  readonly tokenResolver: TokenResolver<Request> | undefined;
  readonly certificateResolver: ClientCertificateResolver<Request>;
  /** In lower case. */
  readonly schemes: readonly string[];
}

/**
 * Reads the access token and the client's certificate of a request.
 *
 * The certificate is read in the same turn as the request arrives, unless a token was found to be missing before: after a
 * wait the connection may be closed, and have none.
 *
 * @throws AccessTokenError `ERR_TOKEN_MISSING` or `ERR_REQUEST_MALFORMED`
 * @throws Error for whatever a resolver throws, or returns outside its type
 */
export function readCredentials<Request extends IncomingRequest>(
  request: Request,
  sources: CredentialSources<Request>,
): Credentials | Promise<Credentials> {
  const token = findToken(request, sources);
  if (token instanceof Promise) return readBoth(token, request, sources);
  const certificate = resolveCertificate(request, sources.certificateResolver);
  return certificate instanceof Promise
    ? certificate.then((found) => ({ token, certificate: found }))
    : { token, certificate };
}

async function readBoth<Request>(
  token: Promise<string>,
  request: Request,
  { certificateResolver }: CredentialSources<Request>,
): Promise<Credentials> {
  const certificate = (async () => resolveCertificate(request, certificateResolver))();
  // Whichever fails first: the token decides, so that one request has one answer.
  certificate.catch(() => {});
  return { token: await token, certificate: await certificate };
}

function findToken<Request extends IncomingRequest>(
  request: Request,
  { tokenResolver, schemes }: CredentialSources<Request>,
): string | Promise<string> {
  if (tokenResolver === undefined) return bearerToken(nodeRequest(request), schemes);
  const resolved = callApplication("tokenResolver", () => tokenResolver(request));
  return resolved instanceof Promise ? resolved.then(presentToken) : presentToken(resolved);
}

function presentToken(resolved: unknown): string {
  if (resolved === null || resolved === undefined || resolved === "") {
    throw new AccessTokenError("ERR_TOKEN_MISSING", { detail: "the tokenResolver found none" });
  }
  if (typeof resolved !== "string")
    throw new TypeError("certbound: the tokenResolver must return a string, null or undefined");
  return resolved;
}

function resolveCertificate<Request>(
  request: Request,
  resolver: ClientCertificateResolver<Request>,
): PresentedCertificate | Promise<PresentedCertificate> {
  const resolved = callApplication<ResolvedCertificate>("certificateResolver", () => resolver(request));
  return resolved instanceof Promise ? resolved.then(presented) : presented(resolved);
}

function presented(resolved: ResolvedCertificate): PresentedCertificate {
  if (resolved instanceof AccessTokenError && !isCertificateErrorCode(resolved.code)) {
    throw new TypeError("certbound: an error that the certificateResolver returns must have an ERR_CERTIFICATE_* code");
  }
  return presentedCertificate(resolved ?? null);
}
