import type { X509Certificate } from "node:crypto";
import { memberOf } from "../values/object-member.ts";

/** The members of a Node request that are read. `IncomingMessage`, `Http2ServerRequest` and Express's `Request` have them. */
export interface NodeRequest {
  /** Alternating names and values, exactly as received. If it is empty or missing, `headers` is read instead. */
  readonly rawHeaders: readonly string[];
  /** Values by name: a string is one occurrence, an array several. Read only if `rawHeaders` is empty or missing. */
  readonly headers?: object | undefined;
  readonly socket: NodeSocket;
  /** HTTP/2 only. */
  readonly stream?: { readonly session?: object | undefined } | undefined;
}

/** The members of a socket that are read. Only TLS sockets have the methods. */
export interface NodeSocket {
  readonly remoteAddress?: string | undefined;
  /** The server that accepted the connection. */
  readonly server?:
    | {
        address?(): unknown;
        readonly requestCert?: unknown;
        readonly secureOptions?: unknown;
        /** The maximum number of header fields that Node keeps. */
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

/**
 * A Node request, a framework's request object that has one as `raw` (Fastify), or a WHATWG `Request` (route handlers of
 * Next.js, Hono).
 *
 * A WHATWG `Request` does not expose its connection. It therefore needs a `certificateResolver`, and among the trust rules
 * of `fromProxy` it can only meet `secret` and `dangerouslyTrustEverySender`.
 */
export type IncomingRequest = NodeRequest | { readonly raw: NodeRequest } | globalThis.Request;

/** Reads the values of a header by its lower-case name. Repeated fields may already be joined into one value. */
export type JoinedHeaders = (name: string) => readonly string[];

/** The relevant members of a request, copied as own members. */
class ReceivedRequest implements NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: NodeSocket;
  readonly stream: NodeRequest["stream"];
  /** Undefined if `rawHeaders` is read. */
  readonly joinedHeaders: JoinedHeaders | undefined;

  constructor({ rawHeaders, socket, stream }: NodeRequest, joinedHeaders?: JoinedHeaders) {
    this.rawHeaders = rawHeaders;
    this.socket = socket;
    this.stream = stream;
    this.joinedHeaders = joinedHeaders;
  }
}

/**
 * Reads the relevant members of a request, or of its `raw` if the request itself has no `rawHeaders`. Ignores members on
 * `Object.prototype`.
 *
 * If `rawHeaders` is missing or empty (serverless adapters, mocks, WHATWG requests), reads `headers` instead, unless a Node
 * server received the request.
 *
 * @throws TypeError if the value is not a request
 */
export function nodeRequest(request: IncomingRequest): NodeRequest {
  if (request instanceof ReceivedRequest) return request;
  if (!isObject(request)) throw notARequest();
  const given = request as RequestShape;
  // Fast path for requests of node:http, which have these own members and no stream.
  const { rawHeaders, socket, stream } = given;
  const isOwn = Object.hasOwn(given, "rawHeaders") && Object.hasOwn(given, "socket");
  if (isOwn && stream === undefined && isObject(socket) && Array.isArray(rawHeaders) && rawHeaders.length > 0) {
    return new ReceivedRequest(given);
  }
  const raw: unknown = Array.isArray(memberOf(given, "rawHeaders")) ? undefined : memberOf(given, "raw");
  return readRequest(isObject(raw) ? (raw as RequestShape) : given);
}

/** Members that a request, or an object that contains one, may have. */
type RequestShape = NodeRequest & { readonly raw?: unknown; readonly node?: unknown; readonly req?: unknown };

function readRequest(request: RequestShape): NodeRequest {
  const rawHeaders: unknown = memberOf(request, "rawHeaders");
  const [headers, socket, stream] = (["headers", "socket", "stream"] as const).map((name) => objectIn(request, name));
  const list: readonly string[] = Array.isArray(rawHeaders) ? rawHeaders : [];
  const received = { rawHeaders: list, socket: socket as NodeSocket, stream };
  if (list.length > 0) return new ReceivedRequest(received);
  // If a Node server received the request, only `rawHeaders` shows whether the header list is complete.
  const isFromServer = socket !== undefined && objectIn(socket as NodeSocket, "server") !== undefined;
  const isContext = contextMembers.some((name) => objectIn(request, name) !== undefined);
  const mayLackRawHeaders = !isFromServer && !isContext && (headers ?? socket) !== undefined;
  if ((!Array.isArray(rawHeaders) && !mayLackRawHeaders) || Array.isArray(headers)) throw notARequest();
  return new ReceivedRequest(received, headers === undefined || isFromServer ? undefined : joinedHeadersOf(headers));
}

/** Members in which the context objects of frameworks (h3, Koa, Hono) keep the request. */
const contextMembers = ["node", "req"] as const;

function objectIn<Holder extends object>(holder: Holder, name: keyof Holder): object | undefined {
  const value: unknown = memberOf(holder, name);
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function joinedHeadersOf(headers: object): JoinedHeaders {
  const get: unknown = memberOf(headers as { readonly get?: unknown }, "get");
  const read = (name: string): readonly unknown[] =>
    typeof get === "function"
      ? [Reflect.apply(get, headers, [name])]
      : Object.entries(headers).flatMap(([field, value]: [string, unknown]) =>
          field.toLowerCase() === name ? value : [],
        );
  return (name) => {
    const values = read(name).filter((value) => value !== undefined && value !== null);
    if (values.every((value) => typeof value === "string")) return values;
    throw new TypeError("certbound: the headers of the request must be strings or arrays of strings");
  };
}

function notARequest(): TypeError {
  return new TypeError(
    "certbound: expected a request: pass the Node request (ctx.req in Koa, c.env.incoming in Hono on Node, event.node.req in " +
      "h3, request or request.raw in Fastify), or a WHATWG Request",
  );
}

/**
 * Returns the object that identifies the connection of a request: the HTTP/2 session, otherwise the socket. Returns
 * undefined if the request has neither.
 */
export function connectionOf({ stream, socket }: NodeRequest): object | undefined {
  return (stream && memberOf(stream, "session")) ?? socket;
}

/** Returns whether a request came over HTTP/2. Requires a session, because some applications add a `stream` to HTTP/1 requests. */
export function isHttp2({ stream }: NodeRequest): boolean {
  return stream !== undefined && memberOf(stream, "session") !== undefined;
}
