import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { tlsCredentials } from "../certificates/identity.ts";
import type { MtlsRequest } from "./mtls-request-options.ts";

/** The TLS connection of a response. */
export interface TlsState {
  /** The TLS version, for example `TLSv1.3`. */
  readonly protocol: string;
  /** Whether the handshake resumed the session that was offered. */
  readonly sessionReused: boolean;
  /** The session, which a later request can resume; undefined if the server did not issue one. */
  readonly session: Buffer | undefined;
}

/** A connecting socket and a function that returns the current state of its connection. */
export interface TlsConnection {
  readonly socket: TLSSocket;
  readonly state: () => TlsState;
}

const alpn = { 1: "http/1.1", 2: "h2" } as const;

/** Opens a TLS connection with the request's certificate, to a server whose certificate is valid for `localhost`. */
export function openTlsConnection(request: MtlsRequest): TlsConnection {
  const { url, ca, identity, tlsVersion, session } = request;
  const socket = connect({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 443),
    servername: "localhost",
    // The default depends on NODE_TLS_REJECT_UNAUTHORIZED.
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
    // A TLS 1.3 session is available only after the server's ticket, which follows the handshake.
    const resumable = protocol === "TLSv1.3" ? state.session : socket.getSession();
    state = { protocol, sessionReused: socket.isSessionReused(), session: resumable };
  });
  socket.on("session", (ticket: Buffer) => {
    state = { ...state, session: ticket };
  });
  return { socket, state: () => state };
}
