import type { X509Certificate } from "node:crypto";
import { memberOf } from "../values/object-member.ts";

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
    | {
        address?(): unknown;
        readonly requestCert?: unknown;
        readonly secureOptions?: unknown;
        /** How many header fields Node keeps. */
        readonly maxHeadersCount?: unknown;
      }
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

/**
 * Reads what counts of a request, once, into an object with own members only: of the Node request, which wins over one that a
 * framework holds as `raw`. Members that stand on `Object.prototype` do not count.
 *
 * Where a request was made up without `rawHeaders`, reading them fails as an error of the application; without `socket`, the
 * connection has no certificate.
 */
export function nodeRequest(request: IncomingRequest): NodeRequest {
  const given = request as NodeRequest & { readonly raw: NodeRequest };
  // The fast way, for requests of node:http: they have these members as their own, and no stream.
  const { rawHeaders, socket, stream } = given;
  const isOwn = Object.hasOwn(given, "rawHeaders") && Object.hasOwn(given, "socket");
  if (isOwn && rawHeaders !== undefined && stream === undefined) return { rawHeaders, socket, stream };
  const node = memberOf(given, "rawHeaders") === undefined ? (memberOf(given, "raw") ?? given) : given;
  const read = { rawHeaders: memberOf(node, "rawHeaders"), socket: memberOf(node, "socket") };
  if (read.rawHeaders === undefined && read.socket === undefined) throw new TypeError("certbound: not a Node request");
  return { ...(read as Omit<NodeRequest, "stream">), stream: memberOf(node, "stream") };
}

/**
 * Gives what stands for the connection of a request: the session of HTTP/2, else the socket; undefined where a request
 * was made up without one.
 */
export function connectionOf({ stream, socket }: NodeRequest): object | undefined {
  return (stream && memberOf(stream, "session")) ?? socket;
}

declare const allHeaders: unique symbol;

/** A request whose header list is complete, as {@link withAllHeaders} found; header values are read from no other. */
export type RequestWithAllHeaders = NodeRequest & { readonly [allHeaders]: true };

/** How many header fields Node keeps, where `maxHeadersCount` is not a number. */
export const DEFAULT_MAX_HEADERS = 1000;

/** The length of `rawHeaders` at which Node stops to keep fields, where `maxHeadersCount` is not a number. */
const DEFAULT_MAX_LENGTH = 2 * DEFAULT_MAX_HEADERS;

/**
 * Returns the request itself if its header list is complete, and otherwise the detail of an error.
 *
 * Some versions of Node drop the HTTP/1 fields beyond `server.maxHeadersCount` without a trace, also from `rawHeaders`;
 * others respond with 431. A list that reaches the limit counts as incomplete in all versions: a client that sends many
 * fields can have those dropped that a proxy adds after its own. Over HTTP/2, Node rejects a request with too many fields
 * instead.
 */
export function withAllHeaders(request: NodeRequest): RequestWithAllHeaders | string {
  const { length } = request.rawHeaders;
  // The type is a mark only: nothing is added to the request.
  const complete = request as RequestWithAllHeaders;
  if (length < DEFAULT_MAX_LENGTH && hasDefaultLimit(request)) return complete;
  if (isHttp2(request)) return complete;
  const maxLength = maxLengthOfHeaders(request);
  if (length < maxLength) return complete;
  return (
    `the header list is incomplete: Node keeps ${maxLength / 2} fields (server.maxHeadersCount), and this request has ` +
    `${Math.floor(length / 2)} or more (does a client hide the header of a proxy behind many others?)`
  );
}

/**
 * Returns whether a request is of HTTP/1 and has the default limit, by plain reads, which are faster than `memberOf`: where
 * they find no stream and no number, `memberOf` finds neither.
 */
function hasDefaultLimit(request: NodeRequest): boolean {
  if (request.stream !== undefined) return false;
  // A request may be made up without a socket.
  const { server } = (request.socket as NodeSocket | undefined) ?? {};
  return typeof server?.maxHeadersCount !== "number";
}

/** Returns whether a request came over HTTP/2: some applications give requests of HTTP/1 a `stream`, too. */
export function isHttp2({ stream }: NodeRequest): boolean {
  return stream !== undefined && memberOf(stream, "session") !== undefined;
}

/**
 * Computes the limit as Node does, as an integer of 32 bits; Infinity where there is none.
 *
 * Node itself reads an inherited number as well, so that the lower one of both counts.
 */
function maxLengthOfHeaders({ socket }: NodeRequest): number {
  // A request may be made up without a socket.
  const server = (socket as NodeSocket | undefined) && memberOf(socket, "server");
  const counts = server ? [memberOf(server, "maxHeadersCount"), server.maxHeadersCount] : [undefined];
  const lengths = counts.map((count) => (typeof count === "number" ? count << 1 : DEFAULT_MAX_LENGTH));
  return Math.min(...lengths.map((length) => (length > 0 ? length : Number.POSITIVE_INFINITY)));
}

/**
 * Lists the values of every occurrence of one header, in order.
 *
 * Reads `rawHeaders`, since Node's `headers` drops or joins repeated ones.
 *
 * @param name in lower case
 */
export function headerValues(request: RequestWithAllHeaders, name: string): readonly string[] {
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
