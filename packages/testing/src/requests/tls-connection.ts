import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { tlsCredentials } from "../certificates/identity.ts";
import type { MtlsRequest } from "./mtls-request-options.ts";

/** Describes the TLS connection that a response came over. */
export interface TlsState {
  /** Such as `TLSv1.3`. */
  readonly protocol: string;
  /** Whether the handshake resumed the session that was offered. */
  readonly sessionReused: boolean;
  /** The session to resume later. Absent when the server gave none. */
  readonly session: Buffer | undefined;
}

/** Holds a socket that connects, and tells what is known about its connection so far. */
export interface TlsConnection {
  readonly socket: TLSSocket;
  readonly state: () => TlsState;
}

const alpn = { 1: "http/1.1", 2: "h2" } as const;

/** Opens a TLS connection that presents the request's certificate and expects the server to be `localhost`. */
export function openTlsConnection(request: MtlsRequest): TlsConnection {
  const { url, ca, identity, tlsVersion, session } = request;
  const socket = connect({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 443),
    servername: "localhost",
    // the default depends on NODE_TLS_REJECT_UNAUTHORIZED
    rejectUnauthorized: true,
    ca,
    ALPNProtocols: [alpn[request.httpVersion]],
    ...(identity && tlsCredentials(identity)),
    ...(tlsVersion && { minVersion: tlsVersion, maxVersion: tlsVersion }),
    ...(session && { session }),
  });
  let state: TlsState = { protocol: "none", sessionReused: false, session: undefined };
  socket.once("secureConnect", () => {
    const protocol = socket.getProtocol() ?? "unknown";
    // of TLS 1.3 there is no session before the server's ticket, which comes after the handshake
    const resumable = protocol === "TLSv1.3" ? state.session : socket.getSession();
    state = { protocol, sessionReused: socket.isSessionReused(), session: resumable };
  });
  socket.on("session", (ticket: Buffer) => {
    state = { ...state, session: ticket };
  });
  return { socket, state: () => state };
}
