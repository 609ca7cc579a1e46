import type { X509Certificate } from "node:crypto";
import { memberOf } from "./object-member.ts";

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
  readonly server?:
    | { address?(): unknown; readonly requestCert?: unknown; readonly secureOptions?: unknown }
    | undefined;
  getPeerX509Certificate?(): X509Certificate | undefined;
  getProtocol?(): string | null;
  readonly authorized?: boolean | undefined;
  readonly authorizationError?: unknown;
  isSessionReused?(): boolean;
  getCipher?(): unknown;
  disableRenegotiation?(): void;
}

/** A Node request, or a request object of a framework that holds one as `raw` (Fastify). */
export type IncomingRequest = NodeRequest | { readonly raw: NodeRequest };

/** Unwraps the Node request; where both forms are there, the Node request wins. */
export function nodeRequest(request: IncomingRequest): NodeRequest {
  if (memberOf(request as NodeRequest, "rawHeaders") !== undefined) return request as NodeRequest;
  // What the type promises; where a request was made up without it, reading it fails as an error of the application.
  return memberOf(request as { readonly raw: NodeRequest }, "raw") as NodeRequest;
}

/** Reads the socket of a request; where a request was made up without one, reading its members fails. */
export function socketOf(request: NodeRequest): NodeSocket {
  return memberOf(request, "socket") as NodeSocket;
}

/**
 * Gives what stands for the connection of a request: the session of HTTP/2, else the socket; undefined where a request
 * was made up without one.
 */
export function connectionOf(request: NodeRequest): object | undefined {
  const stream = memberOf(request, "stream");
  return (stream && memberOf(stream, "session")) ?? memberOf(request, "socket");
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
  for (const text of memberOf(request, "rawHeaders") as readonly string[]) {
    if (field === undefined) {
      field = text;
    } else {
      if (field.length === name.length && field.toLowerCase() === name) values.push(text);
      field = undefined;
    }
  }
  return values;
}
