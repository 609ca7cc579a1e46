import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Agent } from "node:https";
import { readBoundedBytes } from "../bounded-body.ts";
import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";
import { mtlsAgent } from "./mtls-agent.ts";

/** Options of a fetch function. */
export interface MtlsFetchOptions {
  /** The CA certificate, as PEM, that the server's certificate must chain to. */
  readonly ca: string;
  /** The client certificate. If omitted, the client presents none. */
  readonly identity?: Identity;
  /** Adds `Authorization: Bearer` with this token to each request that has no Authorization field. */
  readonly token?: string;
}

const timeout = 10_000;
const bodyLimit = 16 * 1024 * 1024;
/** The statuses whose responses have no body (Fetch standard, "null body status"). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Creates a function that has the signature of the global `fetch` and presents a client certificate.
 *
 * The server's certificate must chain to `ca` and be valid for `localhost`, even if the URL has another host. Each
 * request opens a new connection and uses HTTP/1.1. Bodies are buffered in memory, response bodies up to 16 MiB.
 * Redirects are not followed: the function returns the redirect, or rejects if `redirect` is `"error"`.
 *
 * The function rejects with the abort reason of the signal. It rejects with a TypeError, whose `cause` is the underlying
 * error, if the request fails or takes longer than ten seconds. For a URL that is not https, the TypeError has no `cause`.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#mtlsFetch -->
 * ```ts
 * const fetchAsClient = mtlsFetch({ ca: kit.ca.certificate, identity: client, token });
 *
 * const response = await fetchAsClient(`${url}/accounts`);
 * assert.equal(response.status, 200);
 * const account = await response.json();
 * ```
 *
 * @throws TypeError for an unknown option or an invalid value
 */
export function mtlsFetch(options: MtlsFetchOptions): typeof globalThis.fetch {
  assertKnownOptions(options, ["ca", "identity", "token"]);
  const { token, ...trust } = options;
  if (token !== undefined && typeof token !== "string") throw new TypeError("token is not a string");
  const agent = mtlsAgent(trust);
  return async (input, init) => {
    const request = new Request(input, init);
    if (!request.url.startsWith("https:")) throw new TypeError("The URL is not an https URL");
    if (token !== undefined && !request.headers.has("authorization")) {
      request.headers.set("authorization", `Bearer ${token}`);
    }
    try {
      return await send(request, agent);
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      throw new TypeError("fetch failed", { cause });
    }
  };
}

async function send(request: Request, agent: Agent): Promise<Response> {
  const { url, method, signal } = request;
  const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
  const message = httpsRequest(url, { method, headers: fieldsOf(request, body), agent, signal });
  const deadline = setTimeout(() => {
    message.destroy(new Error(`No complete response within ${timeout} ms`));
  }, timeout);
  try {
    return await new Promise((resolve, reject) => {
      message.on("error", reject);
      message.on("response", (response) => {
        readBoundedBytes(response, bodyLimit)
          .then((content) => responseOf(request, response, content))
          .then(resolve, reject);
      });
      message.end(body);
    });
  } finally {
    clearTimeout(deadline);
  }
}

/** Adds a length: without one, node:http sends an empty POST body as chunks, which servers treat as content without a type. */
function fieldsOf({ headers, method }: Request, body: Buffer | undefined): Record<string, string> {
  const fields = Object.fromEntries(headers);
  if (headers.has("content-length") || (body === undefined && (method === "GET" || method === "HEAD"))) return fields;
  return { ...fields, "content-length": String(body?.length ?? 0) };
}

function responseOf(request: Request, message: IncomingMessage, content: Buffer | undefined): Response {
  const { statusCode = 0, statusMessage = "", rawHeaders } = message;
  if (content === undefined) throw new Error(`The response body is longer than ${bodyLimit} bytes`);
  if (request.redirect === "error" && [301, 302, 303, 307, 308].includes(statusCode)) {
    throw new Error("The response is a redirect");
  }
  const headers = new Headers();
  for (const [index, name] of rawHeaders.entries()) {
    if (index % 2 === 0) headers.append(name, rawHeaders[index + 1] ?? "");
  }
  const body = bodiless.has(statusCode) || request.method === "HEAD" ? null : new Uint8Array(content);
  const response = new Response(body, { status: statusCode, statusText: statusMessage, headers });
  return Object.defineProperty(response, "url", { value: request.url });
}
