import { Buffer } from "node:buffer";
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { type Duplex, Readable } from "node:stream";
import { MAX_BODY } from "@certbound/core/internal";

/** One request to the issuer, and its result. */
export interface IssuerRequest {
  readonly url: string;
  /** Undefined if there was no response. */
  readonly status: number | undefined;
  readonly contentType: string;
  readonly body: string;
  /** The code of the error, such as ECONNREFUSED. */
  readonly failure: string | undefined;
}

/** A fetch that records its requests. */
export interface RecordingFetch {
  readonly fetch: typeof globalThis.fetch;
  readonly requests: readonly IssuerRequest[];
}

/** The maximum number of bytes read from a response: one more than core accepts. */
const MAX_READ = MAX_BODY + 1;

/** The time limit for a handshake or a response, in milliseconds. */
export const SERVER_TIMEOUT = 10_000;

/** Wraps a fetch and records every request, because the errors of core do not contain the response. */
export function recordingFetch(fetch: typeof globalThis.fetch): RecordingFetch {
  const requests: IssuerRequest[] = [];
  return {
    requests,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      const none = { url, status: undefined, contentType: "", body: "" };
      // Remains the entry if core stops waiting before the request ends.
      const index = requests.push({ ...none, failure: "ETIMEDOUT" }) - 1;
      const { status, contentType, bytes } = await received(fetch(input, init)).catch((error: unknown) => {
        requests[index] = { ...none, failure: failureCode(error) };
        throw error;
      });
      // Removes a byte order mark, as Response.json() does, which core uses.
      requests[index] = { url, status, contentType, body: new TextDecoder().decode(bytes), failure: undefined };
      // The constructor throws for a status such as 999, which fetch accepts.
      return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
        status,
        headers: { "content-type": contentType },
      });
    },
  };
}

/**
 * Creates a fetch that verifies the server's certificate, even if NODE_TLS_REJECT_UNAUTHORIZED is 0.
 *
 * Supports only GET, and does not follow redirects.
 *
 * @param ca the CA certificates to trust, as PEM; if empty, those that Node.js trusts
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

/**
 * Waits for the response to a request.
 *
 * For the status 101, Node.js emits "upgrade" instead of "response". The connection is then closed, and the response has no
 * body.
 */
export function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const closeUpgraded = (incoming: IncomingMessage, socket: Duplex): void => {
      socket.destroy();
      resolve(incoming);
    };
    outgoing.once("response", resolve).once("upgrade", closeUpgraded);
    // Also handles the error of a connection that fails after the response.
    outgoing.on("error", reject);
    outgoing.once("close", () => reject(failure("the connection was closed without a response", "ECONNRESET")));
  });
}

/** Returns the code of an error, or of its cause. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  // The only reason to abort a request is the time limit.
  if (error.name === "AbortError" || error.name === "TimeoutError") return "ETIMEDOUT";
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error.cause !== undefined) return failureCode(error.cause);
  return error.name;
}

/** Returns true if an error code means that the certificate of a server is not trusted. */
export function isUntrusted(code: string): boolean {
  return /^(?:DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|ERR_TLS_CERT)/.test(code);
}

/** Waits for a response and its body. */
async function received(
  fetched: Promise<Response>,
): Promise<Pick<Response, "status"> & { readonly contentType: string; readonly bytes: Buffer }> {
  const response = await fetched;
  const contentType = response.headers.get("content-type") ?? "";
  return { status: response.status, contentType, bytes: await readBody(response) };
}

async function readBody({ body }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (body === null) return Buffer.alloc(0);
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAX_READ) break;
  }
  return Buffer.concat(chunks);
}

function responseOf(incoming: IncomingMessage): Response {
  const { statusCode = 0, headers } = incoming;
  const isPossible = statusCode >= 200 && statusCode <= 599;
  const hasBody = isPossible && ![204, 205, 304].includes(statusCode);
  // An unread response would keep the connection open.
  if (!hasBody) incoming.destroy();
  if (!isPossible) throw failure("a Response cannot have this status", `HTTP status ${statusCode}`);
  const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null;
  return new Response(body, { status: statusCode, headers: { "content-type": headers["content-type"] ?? "" } });
}

/** Creates an error with a code, as Node.js does. */
function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
