import { constants } from "node:crypto";
import { emitWarning, versions } from "node:process";
import { isHttp2, type NodeRequest } from "../http/incoming-request.ts";
import { memberOf, withoutPrototype } from "../values/object-member.ts";
import { isCertificateFinal, peerCertificate } from "./tls-connection.ts";

const warnings = {
  CERTBOUND_PLAIN_HTTP:
    "a request arrived over plain HTTP, which carries no client certificate, so the binding of a token cannot be verified. " +
    "Serve https with requestCert: true; behind a proxy that terminates TLS, set certificateResolver: fromProxy(...)",
  CERTBOUND_REQUEST_CERT:
    "the server does not request client certificates, so the binding of a token cannot be verified. " +
    "Create the server with requestCert: true (and with rejectUnauthorized: false, to rely on the binding alone)",
  CERTBOUND_RENEGOTIATION:
    "the server allows TLS renegotiation, in which a client can present a certificate without holding its private key. " +
    'certbound does not accept such a certificate; create the server with minVersion: "TLSv1.3", or with ' +
    "secureOptions: constants.SSL_OP_NO_RENEGOTIATION (node:crypto)",
} as const;

type WarningCode = keyof typeof warnings;

/**
 * Creates a function that checks the setup of the server of a request, and emits each of the warnings `CERTBOUND_PLAIN_HTTP`,
 * `CERTBOUND_REQUEST_CERT` and `CERTBOUND_RENEGOTIATION` at most once.
 *
 * @param readsConnection whether the certificate is read from the connection; if not, the first two are never emitted
 */
export function createSetupWarnings({
  readsConnection,
}: {
  readonly readsConnection: boolean;
}): (request: NodeRequest) => void {
  const emitted = new Set<WarningCode>();
  const warn = (code: WarningCode | undefined): void => {
    if (code === undefined || emitted.has(code)) return;
    emitted.add(code);
    emitWarning(warnings[code], withoutPrototype({ type: "CertboundWarning", code }));
  };
  return (request) => {
    try {
      if (readsConnection) warn(certificateProblem(request));
      warn(renegotiationProblem(request));
    } catch {
      // The connection is closed (HTTP/2), or the request has no connection.
    }
  };
}

function certificateProblem(request: NodeRequest): WarningCode | undefined {
  const { socket } = request;
  const server = memberOf(socket, "server");
  // Mocked sockets in tests have no server.
  if (server === undefined || server === null) return undefined;
  // In Bun, the sockets of node:https do not have this method either.
  if (memberOf(socket, "getPeerX509Certificate") === undefined)
    return Object.hasOwn(versions, "bun") ? undefined : "CERTBOUND_PLAIN_HTTP";
  // Before TLS 1.3, an application can request a certificate on a single connection.
  return memberOf(server, "requestCert") === false && peerCertificate(request) === undefined
    ? "CERTBOUND_REQUEST_CERT"
    : undefined;
}

/** Skips HTTP/2, where Node rejects renegotiation, and TLS 1.3, which has no renegotiation. */
function renegotiationProblem(request: NodeRequest): WarningCode | undefined {
  const { socket } = request;
  if (isHttp2(request) || isCertificateFinal(socket)) return undefined;
  const server = memberOf(socket, "server");
  if (server === undefined || server === null || !Object.hasOwn(server, "secureOptions")) return undefined;
  const isBelowTls13 =
    memberOf(socket, "getProtocol") !== undefined && /^TLSv1(\.[12])?$/.test(`${socket.getProtocol?.()}`);
  const isDisabled = (Number(server.secureOptions) & constants.SSL_OP_NO_RENEGOTIATION) !== 0;
  return isBelowTls13 && !isDisabled ? "CERTBOUND_RENEGOTIATION" : undefined;
}
