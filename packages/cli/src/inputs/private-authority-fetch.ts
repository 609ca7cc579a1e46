import { once } from "node:events";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { Readable } from "node:stream";

/**
 * Makes a fetch that trusts these authorities and no others: Node's own can be told of more by NODE_EXTRA_CA_CERTS only.
 *
 * It does what core asks of a fetch and no more: GET, without redirects.
 *
 * @param ca certificates of authorities, as PEM
 */
export function privateAuthorityFetch(ca: readonly string[]): typeof globalThis.fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init?.headers));
    const options = { headers, agent: false, ...(init?.signal && { signal: init.signal }) };
    const outgoing =
      url.protocol === "https:" ? tlsRequest(url, { ...options, ca: [...ca] }) : plainRequest(url, options);
    outgoing.end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    const { statusCode = 0, headers: received } = incoming;
    const body = [204, 205, 304].includes(statusCode) ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
    return new Response(body, { status: statusCode, headers: { "content-type": received["content-type"] ?? "" } });
  };
}
