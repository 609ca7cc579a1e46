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
import { disableRenegotiation, unprovenReason } from "./certificate/tls-connection.ts";

/** The access token and the client's certificate of a request. */
export interface Credentials {
  readonly token: string;
  readonly certificate: PresentedCertificate;
}

/** Finds the access token of a request. Null, undefined and `""` count as a missing token. */
export type TokenResolver<Request> = (
  request: Request,
) => string | null | undefined | Promise<string | null | undefined>;

/** The resolvers that the application has configured. */
export interface ResolverOptions<Request> {
  readonly tokenResolver?: TokenResolver<Request> | undefined;
  /** Default: the TLS connection of the request. */
  readonly certificateResolver?: ClientCertificateResolver<Request> | undefined;
  readonly schemes: readonly string[];
}

/** A resolver of this package. It is synchronous and has no side effects. */
type BuiltInResolver = (request: IncomingRequest) => PresentedCertificate | null;

/** Where the credentials of a request come from. */
export interface CredentialSources<Request> {
  readonly tokenResolver: TokenResolver<Request> | undefined;
  readonly certificateResolver: ClientCertificateResolver<Request>;
  /** The `certificateResolver` if it is `tlsCertificate` or was created by `fromProxy`; otherwise undefined. */
  readonly builtInResolver: BuiltInResolver | undefined;
  /** In lower case. */
  readonly schemes: readonly string[];
  /** The connections that {@link inspectConnection} has seen. */
  readonly connections: WeakSet<object>;
  readonly warnAboutSetup: (request: NodeRequest) => void;
}

export function createCredentialSources<Request extends IncomingRequest>({
  tokenResolver,
  certificateResolver = tlsCertificate,
  schemes,
}: ResolverOptions<Request>): CredentialSources<Request> {
  const readsConnection = certificateResolver === tlsCertificate;
  const isBuiltIn = readsConnection || isProxyResolver(certificateResolver);
  return {
    tokenResolver,
    certificateResolver,
    builtInResolver: isBuiltIn ? (certificateResolver as BuiltInResolver) : undefined,
    schemes: schemes.map((scheme) => scheme.toLowerCase()),
    connections: new WeakSet(),
    warnAboutSetup: createSetupWarnings({ readsConnection }),
  };
}

/**
 * Reads the access token and the client's certificate of a request.
 *
 * Reads the certificate, or calls its resolver, before the first `await`: later, the connection may be closed and no longer
 * have a certificate. Does not read the certificate if the token is already known to be missing, or if the Authorization
 * header is malformed. If both the token and the certificate cause an error, throws the error of the token.
 *
 * @throws AccessTokenError `ERR_TOKEN_MISSING` or `ERR_REQUEST_MALFORMED`
 * @throws Error if a resolver throws, or returns a value that its type does not permit
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

/** Disables TLS renegotiation and warns about the setup of the server, once per connection. */
export function inspectConnection(
  received: NodeRequest,
  { connections, warnAboutSetup }: Pick<CredentialSources<never>, "connections" | "warnAboutSetup">,
): void {
  const connection = connectionOf(received);
  if (connection === undefined || connections.has(connection)) return;
  disableRenegotiation(received);
  warnAboutSetup(received);
  connections.add(connection);
}

function resolvedToken(resolved: unknown): string {
  if (resolved === null || resolved === undefined || resolved === "") {
    throw rejected("ERR_TOKEN_MISSING", "the tokenResolver returned no token");
  }
  if (typeof resolved === "string") return resolved;
  throw new TypeError("certbound: the tokenResolver must return a string, null or undefined");
}

async function findCertificate<Request>(
  request: Request,
  received: NodeRequest,
  { certificateResolver, builtInResolver }: CredentialSources<Request>,
): Promise<PresentedCertificate> {
  // Applies to every resolver, because a resolver may return a certificate that a middleware has read from the connection.
  const unproven = unprovenReason(received);
  if (builtInResolver !== undefined) return provenCertificate(callBuiltIn(builtInResolver, received), unproven);
  const resolved = await callApplication<ResolvedCertificate>("certificateResolver", () =>
    certificateResolver(request),
  );
  return provenCertificate(resolved, unproven ?? unprovenReason(received));
}

/** Calls a built-in resolver. A custom proxy format may throw any error, which must not look like a rejection. */
function callBuiltIn(resolver: BuiltInResolver, received: NodeRequest): ResolvedCertificate {
  try {
    return resolver(received) ?? missingConnection(received);
  } catch (cause) {
    throw applicationError("certificateResolver", cause);
  }
}

/** Returns the error for a request that does not expose its connection; otherwise null. */
function missingConnection({ socket }: NodeRequest): AccessTokenError | null {
  // A mocked or converted request may lack a socket.
  if ((socket as NodeSocket | undefined) !== undefined) return null;
  const detail =
    "the request does not expose its connection (a WHATWG Request?): set certificateResolver, for example to fromProxy(...)";
  return rejected("ERR_CERTIFICATE_MISSING", detail);
}

/**
 * Parses the resolved certificate, and rejects it if the connection does not prove that the client holds its private key. An
 * error of the resolver takes precedence, unless its code is `ERR_CERTIFICATE_MISSING`.
 *
 * @param unproven the result of {@link unprovenReason}
 */
function provenCertificate(resolved: ResolvedCertificate, unproven: string | undefined): PresentedCertificate {
  if (resolved instanceof AccessTokenError && !isCertificateErrorCode(resolved.code)) {
    throw new TypeError("certbound: an error that the certificateResolver returns must have an ERR_CERTIFICATE_* code");
  }
  const presented = presentedCertificate(resolved ?? null);
  const takesPrecedence = presented instanceof AccessTokenError && presented.code !== "ERR_CERTIFICATE_MISSING";
  if (unproven === undefined || takesPrecedence) return presented;
  return rejected("ERR_CERTIFICATE_MISSING", unproven);
}
