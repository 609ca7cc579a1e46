import { Buffer } from "node:buffer";
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { type Duplex, Readable } from "node:stream";
import { MAX_BODY } from "@certbound/core/internal";

/** One request to the issuer, and what came of it. */
export interface Exchange {
  readonly url: string;
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  readonly contentType: string;
  readonly body: string;
  /** The code of what failed, such as ECONNREFUSED. */
  readonly failure: string | undefined;
}

/** A fetch that caches what it did. */
export interface RecordingFetch {
  readonly fetch: typeof globalThis.fetch;
  readonly exchanges: readonly Exchange[];
}

/** How much of an answer is read, in bytes: more than core accepts. */
const MOST_READ = MAX_BODY + 1;

/** How long a server has for a handshake or a response, in milliseconds. */
export const SERVER_TIMEOUT = 10_000;

/** Wraps a fetch: core says in words of its own why an exchange failed, and not with what. */
export function recordingFetch(fetch: typeof globalThis.fetch): RecordingFetch {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      const none = { url, status: undefined, contentType: "", body: "" };
      // Stands until the request ends, which can be after core has stopped waiting for it.
      const index = exchanges.push({ ...none, failure: "ETIMEDOUT" }) - 1;
      const { status, contentType, bytes } = await received(fetch(input, init)).catch((error: unknown) => {
        exchanges[index] = { ...none, failure: failureCode(error) };
        throw error;
      });
      // Decoded as by Response.json(), which core uses: without a byte order mark.
      exchanges[index] = { url, status, contentType, body: new TextDecoder().decode(bytes), failure: undefined };
      // Throws for a status such as 999, which fetch lets through.
      return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
        status,
        headers: { "content-type": contentType },
      });
    },
  };
}

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

/**
 * Waits for the response to a request, whatever its status is.
 *
 * After 101, Node.js hands over the connection instead of emitting "response": such a response has no body here, and its
 * connection is closed.
 */
export function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const handOver = (incoming: IncomingMessage, socket: Duplex): void => {
      socket.destroy();
      resolve(incoming);
    };
    outgoing.once("response", resolve).once("upgrade", handOver);
    // Stays: a connection that fails after the response does not matter here.
    outgoing.on("error", reject);
    outgoing.once("close", () => reject(failure("the connection was closed without a response", "ECONNRESET")));
  });
}

/** The code of an error, or of what caused it. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  // Requests are aborted here for one reason: they took too long.
  if (error.name === "AbortError" || error.name === "TimeoutError") return "ETIMEDOUT";
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error.cause !== undefined) return failureCode(error.cause);
  return error.name;
}

/** Tells whether a code says that the certificate of a server is not trusted. */
export function isUntrusted(code: string): boolean {
  return /^(?:DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|ERR_TLS_CERT)/.test(code);
}

/** Waits for a response, its body included. */
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
    if (length >= MOST_READ) break;
  }
  return Buffer.concat(chunks);
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

/** Creates an error with a code, as Node.js does. */
function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
