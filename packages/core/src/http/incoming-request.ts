import type { X509Certificate } from "node:crypto";
import { memberOf } from "../values/object-member.ts";

/** What is read of a Node request; `IncomingMessage`, `Http2ServerRequest` and Express's `Request` fit. */
export interface NodeRequest {
  /** Names and values in turn, exactly as received. Where it is empty or missing, `headers` are read instead. */
  readonly rawHeaders: readonly string[];
  /** Names with their values: a string is one occurrence, an array several. Read only where `rawHeaders` does not count. */
  readonly headers?: object | undefined;
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

/**
 * A Node request, a request object of a framework that holds one as `raw` (Fastify), or a WHATWG `Request` (route handlers of
 * Next.js, Hono).
 *
 * A WHATWG `Request` does not hold its connection: without a `certificateResolver` it has no client certificate, and of the
 * trust rules of `fromProxy` only `secret` and `dangerouslyTrustEverySender` can hold.
 */
export type IncomingRequest = NodeRequest | { readonly raw: NodeRequest } | globalThis.Request;

/** Reads the values of a header by its name in lower case, where repeated fields may have been joined to one value. */
export type JoinedHeaders = (name: string) => readonly string[];

/** What counts of a request, read once, as own members only. */
class ReceivedRequest implements NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: NodeSocket;
  readonly stream: NodeRequest["stream"];
  /** Undefined where `rawHeaders` are read. */
  readonly joinedHeaders: JoinedHeaders | undefined;

  constructor({ rawHeaders, socket, stream }: NodeRequest, joinedHeaders?: JoinedHeaders) {
    this.rawHeaders = rawHeaders;
    this.socket = socket;
    this.stream = stream;
    this.joinedHeaders = joinedHeaders;
  }
}

/**
 * Reads what counts of a request: of the Node request, which wins over one that a framework holds as `raw`. Members that stand
 * on `Object.prototype` do not count.
 *
 * A request that no server of Node received (serverless adapters, mocks, WHATWG requests), and whose `rawHeaders` are missing or
 * empty although it has `headers`, is read from these. Without `socket`, the connection has no certificate.
 *
 * @throws TypeError for anything that is not a request
 */
export function nodeRequest(request: IncomingRequest): NodeRequest {
  if (request instanceof ReceivedRequest) return request;
  if (!isObject(request)) throw notARequest();
  const given = request as RequestShape;
  // The fast way, for requests of node:http: they have these members as their own, and no stream.
  const { rawHeaders, socket, stream } = given;
  const isOwn = Object.hasOwn(given, "rawHeaders") && Object.hasOwn(given, "socket");
  if (isOwn && stream === undefined && isObject(socket) && Array.isArray(rawHeaders) && rawHeaders.length > 0) {
    return new ReceivedRequest(given);
  }
  const raw: unknown = Array.isArray(memberOf(given, "rawHeaders")) ? undefined : memberOf(given, "raw");
  return readRequest(isObject(raw) ? (raw as RequestShape) : given);
}

/** What a request, or what holds one, may have. */
type RequestShape = NodeRequest & { readonly raw?: unknown; readonly node?: unknown; readonly req?: unknown };

function readRequest(request: RequestShape): NodeRequest {
  const rawHeaders: unknown = memberOf(request, "rawHeaders");
  const [headers, socket, stream] = (["headers", "socket", "stream"] as const).map((name) => objectIn(request, name));
  const list: readonly string[] = Array.isArray(rawHeaders) ? rawHeaders : [];
  const received = { rawHeaders: list, socket: socket as NodeSocket, stream };
  if (list.length > 0) return new ReceivedRequest(received);
  const isOfServer = socket !== undefined && objectIn(socket as NodeSocket, "server") !== undefined;
  // Where Node received the request, only `rawHeaders` tell whether the list of its headers is complete.
  const isContext = isOfServer || contextMembers.some((name) => objectIn(request, name) !== undefined);
  const isRequest = Array.isArray(rawHeaders) || (!isContext && (headers ?? socket) !== undefined);
  if (!isRequest || Array.isArray(headers)) throw notARequest();
  return new ReceivedRequest(received, headers === undefined || isOfServer ? undefined : joinedHeadersOf(headers));
}

/** Members of the contexts of frameworks, which hold the request: h3, Koa, Hono. */
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
    throw new TypeError("certbound: the headers of the request must be strings, or arrays of strings");
  };
}

function notARequest(): TypeError {
  return new TypeError(
    "certbound: this is not a request: pass the Node request (ctx.req in Koa, c.env.incoming in Hono on Node, event.node.req in " +
      "h3, request or request.raw in Fastify), or a WHATWG Request",
  );
}

/**
 * Gives what stands for the connection of a request: the session of HTTP/2, else the socket; undefined where a request
 * was made up without one.
 */
export function connectionOf({ stream, socket }: NodeRequest): object | undefined {
  return (stream && memberOf(stream, "session")) ?? socket;
}

/** Returns whether a request came over HTTP/2: some applications give requests of HTTP/1 a `stream`, too. */
export function isHttp2({ stream }: NodeRequest): boolean {
  return stream !== undefined && memberOf(stream, "session") !== undefined;
}
