import { constants } from "node:crypto";
import { emitWarning, versions } from "node:process";
import { isHttp2, type NodeRequest } from "../http/incoming-request.ts";
import { memberOf, withoutPrototype } from "../values/object-member.ts";
import { isSettled, peerCertificate } from "./tls-connection.ts";

const warnings = {
  CERTBOUND_PLAIN_HTTP:
    "a request came over plain HTTP, which carries no client certificate: every certificate-bound token is rejected. " +
    "Serve https with requestCert: true; behind a proxy that ends TLS, give certificateResolver: fromProxy(...)",
  CERTBOUND_REQUEST_CERT:
    "the server does not request client certificates: every certificate-bound token is rejected. " +
    "Create it with requestCert: true (and rejectUnauthorized: false, if the binding alone is to decide)",
  CERTBOUND_RENEGOTIATION:
    "the server lets clients renegotiate TLS 1.2, where a client can show a certificate whose key it does not hold. " +
    'certbound does not accept such a certificate; create the server with minVersion: "TLSv1.3", or with ' +
    "secureOptions: constants.SSL_OP_NO_RENEGOTIATION (node:crypto)",
} as const;

type WarningCode = keyof typeof warnings;

/**
 * Creates the function that warns of a server whose set-up is wrong or weak: `process.emitWarning`, each kind once, with the
 * codes `CERTBOUND_PLAIN_HTTP`, `CERTBOUND_REQUEST_CERT` and `CERTBOUND_RENEGOTIATION`.
 *
 * @param readsConnection whether the certificate is read from the connection; the first two codes are only about that
 */
export function createSetupWarnings({
  readsConnection,
}: {
  readonly readsConnection: boolean;
}): (request: NodeRequest) => void {
  const given = new Set<WarningCode>();
  const warn = (code: WarningCode | undefined): void => {
    if (code === undefined || given.has(code)) return;
    given.add(code);
    emitWarning(warnings[code], withoutPrototype({ type: "CertboundWarning", code }));
  };
  return (request) => {
    try {
      if (readsConnection) warn(certificateProblem(request));
      warn(renegotiationProblem(request));
    } catch {
      // A closed connection (HTTP/2), or none at all.
    }
  };
}

function certificateProblem(request: NodeRequest): WarningCode | undefined {
  const { socket } = request;
  const server = memberOf(socket, "server");
  // A socket that a test made up belongs to no server.
  if (server === undefined || server === null) return undefined;
  // In Bun, the connections of node:https do not have it either.
  if (memberOf(socket, "getPeerX509Certificate") === undefined)
    return Object.hasOwn(versions, "bun") ? undefined : "CERTBOUND_PLAIN_HTTP";
  // Before TLS 1.3, an application may have asked for a certificate on this connection by itself.
  return memberOf(server, "requestCert") === false && peerCertificate(request) === undefined
    ? "CERTBOUND_REQUEST_CERT"
    : undefined;
}

/** Node itself rejects renegotiation on HTTP/2 connections, and TLS 1.3 has none. */
function renegotiationProblem(request: NodeRequest): WarningCode | undefined {
  const { socket } = request;
  if (isHttp2(request) || isSettled(socket)) return undefined;
  const server = memberOf(socket, "server");
  if (server === undefined || server === null || !Object.hasOwn(server, "secureOptions")) return undefined;
  const isBelowTls13 =
    memberOf(socket, "getProtocol") !== undefined && /^TLSv1(\.[12])?$/.test(`${socket.getProtocol?.()}`);
  const rejects = (Number(server.secureOptions) & constants.SSL_OP_NO_RENEGOTIATION) !== 0;
  return isBelowTls13 && !rejects ? "CERTBOUND_RENEGOTIATION" : undefined;
}
