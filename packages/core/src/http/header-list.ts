import { memberOf } from "../values/object-member.ts";
import { isHttp2, type JoinedHeaders, type NodeRequest, type NodeSocket } from "./incoming-request.ts";

declare const allHeaders: unique symbol;

/** A request whose header list {@link checkHeaderList} has accepted. Header values are only read from such requests. */
export type RequestWithAllHeaders = NodeRequest & {
  readonly joinedHeaders?: JoinedHeaders | undefined;
  readonly [allHeaders]: true;
};

/** The maximum number of header fields that Node keeps, unless `maxHeadersCount` is a number. */
export const DEFAULT_MAX_HEADERS = 1000;

/** The maximum length of `rawHeaders`, unless `maxHeadersCount` is a number. */
const DEFAULT_MAX_LENGTH = 2 * DEFAULT_MAX_HEADERS;

/**
 * Returns the request if its header list is complete, otherwise the detail of an error.
 *
 * Some versions of Node silently drop the HTTP/1 fields beyond `server.maxHeadersCount`, even from `rawHeaders`; other
 * versions respond with 431. A client could send so many fields that Node drops the fields that a proxy appends. Therefore a
 * list that reaches the limit counts as incomplete in all versions. Over HTTP/2, Node itself rejects a request with too many
 * fields.
 */
export function checkHeaderList(request: NodeRequest): RequestWithAllHeaders | string {
  const { length } = request.rawHeaders;
  // Only the type changes; the request is the same object.
  const complete = request as RequestWithAllHeaders;
  if (length < DEFAULT_MAX_LENGTH && hasDefaultLimit(request)) return complete;
  if (isHttp2(request)) return complete;
  const maxLength = maxLengthOfHeaders(request);
  if (length < maxLength) return complete;
  return (
    `the header list may be incomplete: this request has ${Math.floor(length / 2)} or more fields, and Node keeps at most ` +
    `${maxLength / 2} (server.maxHeadersCount; did a client send many fields so that Node drops the header of a proxy?)`
  );
}

/**
 * Returns whether a request came over HTTP/1 and has the default limit. Reads the members directly, because this is faster
 * than `memberOf`. This is safe: `memberOf` only ever ignores values, so it never finds a number that a direct read does not
 * find.
 */
function hasDefaultLimit(request: NodeRequest): boolean {
  if (request.stream !== undefined) return false;
  // A mocked or converted request may lack a socket.
  const { server } = (request.socket as NodeSocket | undefined) ?? {};
  return typeof server?.maxHeadersCount !== "number";
}

/**
 * Computes the maximum length of `rawHeaders` in 32-bit arithmetic, as Node does. Returns Infinity if the limit is disabled.
 *
 * `memberOf` ignores a `maxHeadersCount` on `Object.prototype`, but Node may use it. Returns the lower of the two limits,
 * which is the safe one.
 */
function maxLengthOfHeaders({ socket }: NodeRequest): number {
  // A mocked or converted request may lack a socket.
  const server = (socket as NodeSocket | undefined) && memberOf(socket, "server");
  const counts = server ? [memberOf(server, "maxHeadersCount"), server.maxHeadersCount] : [undefined];
  const lengths = counts.map((count) => (typeof count === "number" ? count << 1 : DEFAULT_MAX_LENGTH));
  return Math.min(...lengths.map((length) => (length > 0 ? length : Number.POSITIVE_INFINITY)));
}

/**
 * Lists the values of all occurrences of a header, in order.
 *
 * Reads `rawHeaders`, because Node's `headers` drops or joins repeated fields. If a request has no `rawHeaders`, the values of
 * repeated fields may already be joined with commas.
 *
 * @param name in lower case
 */
export function headerValues(request: RequestWithAllHeaders, name: string): readonly string[] {
  if (request.joinedHeaders !== undefined) return request.joinedHeaders(name);
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

/**
 * Lists the values of a header that a proxy sets once. If repeated fields may already be joined, each comma-separated
 * element counts as an occurrence; otherwise, returns the values of {@link headerValues}.
 *
 * @param name in lower case
 */
export function headerElements(request: RequestWithAllHeaders, name: string): readonly string[] {
  const values = headerValues(request, name);
  return request.joinedHeaders === undefined ? values : values.flatMap(elementsOf);
}

/** Splits a value at its commas, unless all commas are inside quoted strings (for example in a distinguished name). */
function elementsOf(value: string): readonly string[] {
  return hasUnquotedComma(value) ? value.split(",") : [value];
}

/** Returns whether a comma is outside of quoted strings, in linear time. An unclosed quote does not start a quoted string. */
function hasUnquotedComma(value: string): boolean {
  let isQuoted = false;
  let isCommaQuoted = false;
  for (let index = 0; index < value.length; index += 1) {
    const character = value[index];
    if (character === "," && !isQuoted) return true;
    if (character === "," && isQuoted) isCommaQuoted = true;
    if (character === "\\" && isQuoted) index += 1;
    if (character !== '"') continue;
    isQuoted = !isQuoted;
    isCommaQuoted = false;
  }
  return isQuoted && isCommaQuoted;
}
