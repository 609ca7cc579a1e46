import { memberOf, withoutPrototype } from "../values/object-member.ts";

/** How long one exchange with an issuer may take, the body included, in milliseconds. */
export const REQUEST_TIMEOUT = 5000;

/** How long an answer may be, in bytes. */
export const MAX_BODY: number = 1024 * 1024;

/**
 * A request to an issuer that brought no usable answer; the message is ours, and holds nothing that was received, except a
 * status.
 */
export class IssuerRequestError extends Error {
  override readonly name: string = "IssuerRequestError";
}

/** A request whose connection failed before the headers of a response had arrived. */
export class ConnectionError extends IssuerRequestError {
  override readonly name = "ConnectionError";
}

/** Puts what went wrong in words of ours: the errors of fetch and of oauth4webapi quote what was received. */
export function failureReason(error: unknown): string {
  return error instanceof IssuerRequestError ? error.message : "the exchange failed unexpectedly";
}

/** Starts the time limit of one request, or of several that share it. */
export function startTimeLimit(): AbortSignal {
  return AbortSignal.timeout(REQUEST_TIMEOUT);
}

/**
 * Makes a fetch that ends: no redirects, 5 s for the whole exchange (or the time limit given as `signal`), 1 MiB of body at
 * most.
 *
 * The body has been read when it resolves. It rejects with an {@link IssuerRequestError}, whatever went wrong.
 */
export function boundedFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (url, init) => {
    const given = withoutPrototype({ ...init });
    const signal = given.signal ?? startTimeLimit();
    const late = new IssuerRequestError("no complete response within 5 s");
    if (signal.aborted) throw late;
    const timeout = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(late));
    });
    // A fetch of the application may not heed the signal.
    return Promise.race([exchange(fetch, url, withoutPrototype({ ...given, redirect: "manual", signal })), timeout]);
  };
}

async function exchange(
  fetch: typeof globalThis.fetch,
  url: Parameters<typeof globalThis.fetch>[0],
  init: RequestInit,
): Promise<Response> {
  let hasHeaders = false;
  try {
    const { status, headers, body } = await fetch(url, init);
    hasHeaders = true;
    const bytes = body === null ? null : await readAtMost(body, MAX_BODY);
    const received = withoutPrototype({ status, headers: withoutEncoding(headers) });
    return new Response(bytes?.length ? bytes : null, received);
  } catch (error) {
    if (error instanceof IssuerRequestError) throw error;
    // What fetch throws may quote the URL, the peer's certificate or the peer's words. A code is a constant of Node.js.
    const code = causeCode(error);
    const message = `the request failed: address, TLS, or network${code === undefined ? "" : ` (${code})`}`;
    const isConnectionError = !hasHeaders && code !== undefined && connectionErrors.has(code);
    throw isConnectionError ? new ConnectionError(message) : new IssuerRequestError(message);
  }
}

/** The codes of connections that could not be made, or broke; not of timeouts, of TLS or of unknown hosts. */
const connectionErrors: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  // undici's: the server closed the connection.
  "UND_ERR_SOCKET",
]);

/** How many nested causes of an error are searched for a code. */
const MAX_CAUSES = 5;

/** Finds the code of an error's cause, such as ENOTFOUND or DEPTH_ZERO_SELF_SIGNED_CERT. */
function causeCode(error: unknown): string | undefined {
  try {
    let cause = error;
    for (let level = 1; level <= MAX_CAUSES; level += 1) {
      cause = memberOf(Object(cause) as { readonly cause?: unknown }, "cause");
      const code = memberOf(Object(cause) as { readonly code?: unknown }, "code");
      if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
    }
  } catch {
    // A member of an error that the fetch of the application made can throw.
  }
  return undefined;
}

async function readAtMost(body: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop by an exception cancels the stream.
  for await (const chunk of body) {
    length += chunk.length;
    if (length > most) throw new IssuerRequestError("the response is longer than 1 MiB");
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The body has been decoded, and has another length. */
function withoutEncoding(headers: Headers): Headers {
  const plain = new Headers(headers);
  plain.delete("content-encoding");
  plain.delete("content-length");
  return plain;
}
