import { emitWarning } from "node:process";
import { type NodeRequest, peerCertificate } from "./incoming-request.ts";

const warnings = {
  CERTBOUND_PLAIN_HTTP:
    "a request came over plain HTTP, which carries no client certificate: every certificate-bound token is refused. " +
    "Serve https with requestCert: true; behind a proxy that ends TLS, give certificateResolver: fromProxy(...)",
  CERTBOUND_REQUEST_CERT:
    "the server does not request client certificates: every certificate-bound token is refused. " +
    "Create it with requestCert: true (and rejectUnauthorized: false, if the binding alone is to decide)",
} as const;

/**
 * Creates what warns of a server that can never see a client certificate: `process.emitWarning`, each kind once, with the
 * code `CERTBOUND_PLAIN_HTTP` or `CERTBOUND_REQUEST_CERT`.
 */
export function createSetupWarnings(): (request: NodeRequest) => void {
  const given = new Set<keyof typeof warnings>();
  return (request) => {
    const code = problemOf(request);
    if (code === undefined || given.has(code)) return;
    given.add(code);
    emitWarning(warnings[code], { type: "CertboundWarning", code });
  };
}

function problemOf(request: NodeRequest): keyof typeof warnings | undefined {
  const { socket } = request;
  try {
    const { server } = socket;
    // One that a test made up belongs to no server.
    if (server === undefined || server === null) return undefined;
    if (socket.getPeerX509Certificate === undefined) return "CERTBOUND_PLAIN_HTTP";
    // Before TLS 1.3, an application may have asked for one on this connection by itself.
    return server.requestCert === false && peerCertificate(request) === undefined
      ? "CERTBOUND_REQUEST_CERT"
      : undefined;
  } catch {
    // A closed connection (HTTP/2), or none at all.
    return undefined;
  }
}
