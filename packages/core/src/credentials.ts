import { applicationError, callApplication } from "./runtime/application-callback.ts";
import { authorizationHeader, bearerToken } from "./http/authorization-header.ts";
import { type PresentedCertificate, presentedCertificate } from "./binding.ts";
import { AccessTokenError, isCertificateErrorCode, rejected } from "./errors.ts";
import {
  connectionOf,
  type IncomingRequest,
  type NodeRequest,
  nodeRequest,
  type NodeSocket,
} from "./http/incoming-request.ts";
import type { ClientCertificateResolver, ResolvedCertificate } from "./certificate/client-certificate.ts";
import { isProxyResolver } from "./proxy/from-proxy.ts";
import { tlsCertificate } from "./certificate/tls-certificate.ts";
import { createSetupWarnings } from "./certificate/setup-warnings.ts";
import { isThenable } from "./runtime/promises.ts";
import { rejectRenegotiation, unprovenCertificate } from "./certificate/tls-connection.ts";

/** What a request is judged by. */
export interface Credentials {
  readonly token: string;
  readonly certificate: PresentedCertificate;
}

/** Finds the access token of a request instead of the Authorization header; null, undefined and `""`: there is none. */
export type TokenResolver<Request> = (
  request: Request,
) => string | null | undefined | Promise<string | null | undefined>;

/** The resolvers that an application has configured. */
export interface ResolverOptions<Request> {
  readonly tokenResolver?: TokenResolver<Request> | undefined;
  /** Default: the TLS connection of the request. */
  readonly certificateResolver?: ClientCertificateResolver<Request> | undefined;
  readonly schemes: readonly string[];
}

/** A resolver of this package: synchronous, and without effects. */
type OwnResolver = (request: IncomingRequest) => PresentedCertificate | null;

/** How credentials are found. */
export interface CredentialSources<Request> {
  readonly tokenResolver: TokenResolver<Request> | undefined;
  readonly certificateResolver: ClientCertificateResolver<Request>;
  /** The same, if it is `tlsCertificate` or was made by `fromProxy`. */
  readonly ownResolver: OwnResolver | undefined;
  /** In lower case. */
  readonly schemes: readonly string[];
  /** The connections that were inspected. */
  readonly connections: WeakSet<object>;
  readonly warnOfSetup: (request: NodeRequest) => void;
}

/** Creates the sources of an API. */
export function createCredentialSources<Request extends IncomingRequest>({
  tokenResolver,
  certificateResolver = tlsCertificate,
  schemes,
}: ResolverOptions<Request>): CredentialSources<Request> {
  const readsConnection = certificateResolver === tlsCertificate;
  const isOwn = readsConnection || isProxyResolver(certificateResolver);
  return {
    tokenResolver,
    certificateResolver,
    ownResolver: isOwn ? (certificateResolver as OwnResolver) : undefined,
    schemes: schemes.map((scheme) => scheme.toLowerCase()),
    connections: new WeakSet(),
    warnOfSetup: createSetupWarnings({ readsConnection }),
  };
}

/**
 * Reads the access token and the client's certificate of a request.
 *
 * The certificate is read, or its resolver called, in the turn in which this function is called, unless the token was found
 * to be missing or malformed before: after a wait the connection may be closed, and have none. Whichever fails first, the
 * token decides, so that one request has one response.
 *
 * @throws AccessTokenError `ERR_TOKEN_MISSING` or `ERR_REQUEST_MALFORMED`
 * @throws Error for whatever a resolver throws, or returns outside its type
 */
export async function readCredentials<Request extends IncomingRequest>(
  request: Request,
  sources: CredentialSources<Request>,
): Promise<Credentials> {
  const received = nodeRequest(request);
  inspectConnection(received, sources);
  const { tokenResolver, schemes } = sources;
  const found =
    tokenResolver === undefined
      ? bearerToken(authorizationHeader(received), schemes)
      : callApplication("tokenResolver", () => tokenResolver(request));
  const token = isThenable(found) ? found.then(resolvedToken) : resolvedToken(found);
  const certificate = findCertificate(request, received, sources);
  certificate.catch(() => {});
  return { token: await token, certificate: await certificate };
}

/** Rejects renegotiation on a connection, and warns of the set-up of its server, when its first request arrives. */
export function inspectConnection(
  received: NodeRequest,
  { connections, warnOfSetup }: Pick<CredentialSources<never>, "connections" | "warnOfSetup">,
): void {
  const connection = connectionOf(received);
  if (connection === undefined || connections.has(connection)) return;
  rejectRenegotiation(received);
  warnOfSetup(received);
  connections.add(connection);
}

function resolvedToken(resolved: unknown): string {
  if (resolved === null || resolved === undefined || resolved === "") {
    throw rejected("ERR_TOKEN_MISSING", "the tokenResolver found none");
  }
  if (typeof resolved === "string") return resolved;
  throw new TypeError("certbound: the tokenResolver must return a string, null or undefined");
}

async function findCertificate<Request>(
  request: Request,
  received: NodeRequest,
  { certificateResolver, ownResolver }: CredentialSources<Request>,
): Promise<PresentedCertificate> {
  // Whatever the resolver reads: it may read the connection, or what a middleware has read of it.
  const unproven = unprovenCertificate(received);
  if (ownResolver !== undefined) return provenCertificate(ownCertificate(ownResolver, received), unproven);
  const resolved = await callApplication<ResolvedCertificate>("certificateResolver", () =>
    certificateResolver(request),
  );
  return provenCertificate(resolved, unproven ?? unprovenCertificate(received));
}

/** A format of an application may throw anything, which must not look like a rejection. */
function ownCertificate(resolver: OwnResolver, received: NodeRequest): ResolvedCertificate {
  try {
    return resolver(received) ?? withoutConnection(received);
  } catch (cause) {
    throw applicationError("certificateResolver", cause);
  }
}

/** Returns the reason why there is no certificate where the request does not hold its connection; null otherwise. */
function withoutConnection({ socket }: NodeRequest): AccessTokenError | null {
  // A request may be made up without one.
  if ((socket as NodeSocket | undefined) !== undefined) return null;
  const detail =
    "the request does not hold its connection (a WHATWG Request?): give certificateResolver, such as fromProxy(...)";
  return rejected("ERR_CERTIFICATE_MISSING", detail);
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
  return rejected("ERR_CERTIFICATE_MISSING", unproven);
}
