import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { failure, responseTo } from "./http-response.ts";

/**
 * Makes a fetch that verifies the server's certificate, whatever NODE_TLS_REJECT_UNAUTHORIZED says. It trusts the given
 * authorities and no others, or those of Node.js if none are given.
 *
 * It does what core asks of a fetch and no more: GET, without redirects.
 *
 * @param ca certificates of authorities, as PEM; none: those that Node.js trusts
 */
export function verifyingFetch(ca: readonly string[]): typeof globalThis.fetch {
  const trust = { rejectUnauthorized: true, ...(ca.length > 0 && { ca: [...ca] }) };
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init?.headers));
    const options = { headers, agent: false, ...(init?.signal && { signal: init.signal }) };
    const outgoing = url.protocol === "https:" ? tlsRequest(url, { ...options, ...trust }) : plainRequest(url, options);
    outgoing.end();
    return responseOf(await responseTo(outgoing));
  };
}

function responseOf(incoming: IncomingMessage): Response {
  const { statusCode = 0, headers } = incoming;
  const isPossible = statusCode >= 200 && statusCode <= 599;
  const hasBody = isPossible && ![204, 205, 304].includes(statusCode);
  // Not read, it would keep the connection open.
  if (!hasBody) incoming.destroy();
  if (!isPossible) throw failure("the status is none that a Response can have", `HTTP status ${statusCode}`);
  const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null;
  return new Response(body, { status: statusCode, headers: { "content-type": headers["content-type"] ?? "" } });
}
