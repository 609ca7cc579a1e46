import type { X509Certificate } from "node:crypto";

/** What is read of a Node request; `IncomingMessage`, `Http2ServerRequest` and Express's `Request` fit. */
export interface NodeRequest {
  /** Names and values in turn, exactly as received. */
  readonly rawHeaders: readonly string[];
  readonly socket: NodeSocket;
  /** HTTP/2 only. */
  readonly stream?: { readonly session?: object | undefined } | undefined;
}

/** What is read of a socket; the methods exist on TLS sockets only. */
export interface NodeSocket {
  readonly remoteAddress?: string | undefined;
  /** The server that accepted the connection. */
  readonly server?: { address?(): unknown; readonly requestCert?: unknown } | undefined;
  getPeerX509Certificate?(): X509Certificate | undefined;
  getProtocol?(): string | null;
  readonly authorized?: boolean | undefined;
  readonly authorizationError?: unknown;
  isSessionReused?(): boolean;
}

/** A Node request, or a request object of a framework that holds one as `raw` (Fastify). */
export type IncomingRequest = NodeRequest | { readonly raw: NodeRequest };

/** Unwraps the Node request; where both forms are there, the Node request wins. */
export function nodeRequest(request: IncomingRequest): NodeRequest {
  return "rawHeaders" in request ? request : request.raw;
}

/**
 * Gives what stands for the connection of a request: the session of HTTP/2, else the socket; undefined where a request
 * was made up without one.
 */
export function connectionOf({ stream, socket }: NodeRequest): object | undefined {
  return stream?.session ?? socket;
}

/**
 * Lists the values of every occurrence of one header, in order.
 *
 * Reads `rawHeaders`, since Node's `headers` drops or joins repeated ones.
 *
 * @param name in lower case
 */
export function headerValues(request: NodeRequest, name: string): readonly string[] {
  const values: string[] = [];
  let field: string | undefined;
  for (const text of request.rawHeaders) {
    if (field === undefined) {
      field = text;
    } else {
      if (field.length === name.length && field.toLowerCase() === name) values.push(text);
      field = undefined;
    }
  }
  return values;
}

/** Reads the client certificate of a request's connection; undefined where there is none or the socket has closed. */
export function peerCertificate(request: NodeRequest): X509Certificate | undefined {
  try {
    return request.socket?.getPeerX509Certificate?.();
  } catch {
    // Only a closed connection throws (HTTP/2: ERR_HTTP2_SOCKET_UNBOUND), and a closed connection has no certificate.
    return undefined;
  }
}

/**
 * Tells whether TLS verified the chain of the client's certificate in a handshake of this connection.
 *
 * To be asked beside a certificate only. Of a session that was resumed, Node repeats what was found when it began: maybe
 * by the authorities of another host of the server, maybe before the certificate expired; and where a client presented
 * none, it says `authorized` all the same. After a renegotiation that failed it does, too, beside an error.
 */
export function isChainVerified(request: NodeRequest): boolean {
  const { socket } = request;
  try {
    return socket.authorized === true && !socket.authorizationError && socket.isSessionReused?.() === false;
  } catch {
    // A closed connection, as above.
    return false;
  }
}
