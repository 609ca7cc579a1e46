import { callApplication } from "./application-callback.ts";
import { authorizationHeader, bearerToken } from "./bearer.ts";
import { type PresentedCertificate, presentedCertificate } from "./binding.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import { connectionOf, type IncomingRequest, type NodeRequest, nodeRequest } from "./incoming-request.ts";
import { type PresentedToken, presentedToken } from "./presented-token.ts";
import type { ClientCertificateResolver, ResolvedCertificate } from "./resolvers/certificate-resolver.ts";
import { connectionCertificate } from "./resolvers/tls-certificate.ts";
import { isThenable } from "./thenable.ts";
import { refuseRenegotiation, unprovenCertificate } from "./tls-connection.ts";

/** What a request is judged by, and where it came from. */
export interface Credentials {
  readonly token: PresentedToken;
  readonly certificate: PresentedCertificate;
  /** What the token is kept by; undefined when the request was made up without a connection. */
  readonly connection: object | undefined;
}

/** Finds the access token of a request instead of the Authorization header; null, undefined and `""`: there is none. */
export type TokenResolver<Request> = (
  request: Request,
) => string | null | undefined | Promise<string | null | undefined>;

/** How credentials are found. */
export interface CredentialSources<Request> {
  readonly tokenResolver: TokenResolver<Request> | undefined;
  /** Undefined: the TLS connection of the request. */
  readonly certificateResolver: ClientCertificateResolver<Request> | undefined;
  /** The connections that were looked at. */
  readonly connections: WeakSet<object>;
  /** Warns of a server whose set-up lets no client certificate, or an unproven one, be seen. */
  readonly warnOfSetup: (request: NodeRequest) => void;
  /** In lower case. */
  readonly schemes: readonly string[];
  /**
   * What the open connections were last accepted with: the same again is compared, not read and named, so that a request
   * costs 1.0 us and not 4.1. Undefined where nothing is to be remembered.
   */
  readonly acceptedTokens: WeakMap<object, PresentedToken> | undefined;
}

/**
 * Reads the access token and the client's certificate of a request.
 *
 * The certificate is read, or its resolver called, in the turn in which this function is called, unless the token was found
 * to be missing or malformed before: after a wait the connection may be closed, and have none.
 *
 * @throws AccessTokenError `ERR_TOKEN_MISSING` or `ERR_REQUEST_MALFORMED`
 * @throws Error for whatever a resolver throws, or returns outside its type
 */
export function readCredentials<Request extends IncomingRequest>(
  request: Request,
  sources: CredentialSources<Request>,
): Credentials | Promise<Credentials> {
  const received = nodeRequest(request);
  const incoming = { request, received };
  const connection = connectionOf(received);
  const known = connection && sources.acceptedTokens?.get(connection);
  // Where a token was accepted, the connection was looked at before.
  if (known === undefined && connection !== undefined && !sources.connections.has(connection)) {
    sources.connections.add(connection);
    refuseRenegotiation(received);
    sources.warnOfSetup(received);
  }
  const token = findToken(incoming, known, sources);
  if (isThenable(token)) return readBoth(token, connection, () => findCertificate(incoming, sources));
  const certificate = findCertificate(incoming, sources);
  return isThenable(certificate)
    ? certificate.then((found) => ({ token, certificate: found, connection }))
    : { token, certificate, connection };
}

/** Keeps the token of a request that was accepted, for the next one of the same connection. */
export function keepAccepted(
  { token, connection }: Credentials,
  { acceptedTokens }: Pick<CredentialSources<never>, "acceptedTokens">,
): void {
  if (token.isKept || connection === undefined || acceptedTokens === undefined) return;
  acceptedTokens.set(connection, token);
  token.isKept = true;
}

/** A request as the framework has it, and what is read of it. */
interface Incoming<Request> {
  readonly request: Request;
  readonly received: NodeRequest;
}

async function readBoth(
  token: Promise<PresentedToken>,
  connection: object | undefined,
  find: () => PresentedCertificate | Promise<PresentedCertificate>,
): Promise<Credentials> {
  const certificate = (async () => find())();
  // Whichever fails first: the token decides, so that one request has one answer.
  certificate.catch(() => {});
  return { token: await token, certificate: await certificate, connection };
}

function findToken<Request>(
  { request, received }: Incoming<Request>,
  known: PresentedToken | undefined,
  { tokenResolver, schemes }: CredentialSources<Request>,
): PresentedToken | Promise<PresentedToken> {
  if (tokenResolver === undefined) {
    const header = authorizationHeader(received);
    return known?.source === header ? known : presentedToken(bearerToken(header, schemes), header);
  }
  const resolved = callApplication("tokenResolver", () => tokenResolver(request));
  return isThenable(resolved) ? resolved.then((text) => resolvedToken(text, known)) : resolvedToken(resolved, known);
}

function resolvedToken(resolved: unknown, known: PresentedToken | undefined): PresentedToken {
  if (resolved === null || resolved === undefined || resolved === "") {
    throw new AccessTokenError("ERR_TOKEN_MISSING", { detail: "the tokenResolver found none" });
  }
  if (typeof resolved !== "string")
    throw new TypeError("certbound: the tokenResolver must return a string, null or undefined");
  return known?.source === resolved ? known : presentedToken(resolved, resolved);
}

function findCertificate<Request>(
  { request, received }: Incoming<Request>,
  { certificateResolver }: CredentialSources<Request>,
): PresentedCertificate | Promise<PresentedCertificate> {
  if (certificateResolver === undefined) {
    return connectionCertificate(received) ?? provenCertificate(null, unprovenCertificate(received));
  }
  // Whatever the resolver reads: it may read the connection, or what a middleware has read of it.
  const unproven = unprovenCertificate(received);
  const resolved = callApplication<ResolvedCertificate>("certificateResolver", () => certificateResolver(request));
  return isThenable(resolved)
    ? resolved.then((found) => provenCertificate(found, unproven ?? unprovenCertificate(received)))
    : provenCertificate(resolved, unproven);
}

/**
 * Turns what was resolved into a certificate, unless the connection does not prove one. A reason of the resolver other than
 * `ERR_CERTIFICATE_MISSING` is kept.
 */
function provenCertificate(resolved: ResolvedCertificate, unproven: string | undefined): PresentedCertificate {
  if (resolved instanceof AccessTokenError && !isCertificateErrorCode(resolved.code)) {
    throw new TypeError("certbound: an error that the certificateResolver returns must have an ERR_CERTIFICATE_* code");
  }
  const presented = presentedCertificate(resolved ?? null);
  const hasReason = presented instanceof AccessTokenError && presented.code !== "ERR_CERTIFICATE_MISSING";
  if (unproven === undefined || hasReason) return presented;
  return new AccessTokenError("ERR_CERTIFICATE_MISSING", { detail: unproven });
}
