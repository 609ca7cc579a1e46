import { memberOf } from "../values/object-member.ts";
import { isHttp2, type JoinedHeaders, type NodeRequest, type NodeSocket } from "./incoming-request.ts";

declare const allHeaders: unique symbol;

/** A request whose header list is complete, as {@link withAllHeaders} found; header values are read from no other. */
export type RequestWithAllHeaders = NodeRequest & {
  readonly joinedHeaders?: JoinedHeaders | undefined;
  readonly [allHeaders]: true;
};

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
 * Reads `rawHeaders`, since Node's `headers` drops or joins repeated ones. Where a request has none, the values of repeated
 * fields may have been joined to one with commas.
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
 * Lists the values of every occurrence of one header, as {@link headerValues} does, where a proxy sets the header once: where
 * repeated fields may have been joined, each element of a value counts as an occurrence.
 *
 * @param name in lower case
 */
export function headerElements(request: RequestWithAllHeaders, name: string): readonly string[] {
  const values = headerValues(request, name);
  return request.joinedHeaders === undefined ? values : values.flatMap(elementsOf);
}

/** Splits a value at its commas, unless all of them are in quoted strings, such as a distinguished name. */
function elementsOf(value: string): readonly string[] {
  return hasUnquotedComma(value) ? value.split(",") : [value];
}

/** Returns whether a comma is outside of quoted strings, in one pass; a quote that is not closed is not one. */
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
