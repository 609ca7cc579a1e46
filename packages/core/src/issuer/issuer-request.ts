import { memberOf, withoutPrototype } from "../values/object-member.ts";

/** The time limit of a request to an issuer, including the body of the response, in milliseconds. */
export const REQUEST_TIMEOUT = 5000;

/** The maximum size of a response body, in bytes. */
export const MAX_BODY: number = 1024 * 1024;

/**
 * Thrown if a request to an issuer did not get a usable response.
 *
 * The message is fixed text, which may include a status or an error code. It never quotes data that was received.
 */
export class IssuerRequestError extends Error {
  override readonly name: string = "IssuerRequestError";
}

/** Thrown if the connection failed before the headers of a response arrived. */
export class ConnectionError extends IssuerRequestError {
  override readonly name = "ConnectionError";
}

/**
 * Describes an error. Omits its message unless the message is safe: errors of fetch and oauth4webapi may quote received
 * data.
 */
export function failureReason(error: unknown): string {
  return error instanceof IssuerRequestError ? error.message : "the request failed unexpectedly";
}

/** Starts the time limit of one request, or of several requests that share the limit. */
export function startTimeLimit(): AbortSignal {
  return AbortSignal.timeout(REQUEST_TIMEOUT);
}

/**
 * Wraps a fetch so that it does not follow redirects, reads at most 1 MiB of the body, and fails when the given `signal`
 * aborts. Without a `signal`, the time limit is 5 s.
 *
 * The returned fetch resolves after the body was read. It rejects with an {@link IssuerRequestError} for every kind of failure.
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
    // A custom fetch may ignore the signal.
    return Promise.race([
      fetchWithBody(fetch, url, withoutPrototype({ ...given, redirect: "manual", signal })),
      timeout,
    ]);
  };
}

async function fetchWithBody(
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
    // The error of fetch may quote the URL, the server's certificate or its response. Its code is a constant of Node.js.
    const code = causeCode(error);
    const suffix = code === undefined ? "" : ` (${code})`;
    const message = `the request failed because of the address, TLS or the network${suffix}`;
    const isConnectionError = !hasHeaders && code !== undefined && connectionErrors.has(code);
    throw isConnectionError ? new ConnectionError(message) : new IssuerRequestError(message);
  }
}

/** The error codes of failed or broken connections, except those of timeouts, TLS and unknown hosts. */
const connectionErrors: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  // undici: the server has closed the connection.
  "UND_ERR_SOCKET",
]);

/** The maximum number of nested causes that are searched for a code. */
const MAX_CAUSES = 5;

/** Returns the first code among the causes of an error, such as ENOTFOUND or DEPTH_ZERO_SELF_SIGNED_CERT. */
function causeCode(error: unknown): string | undefined {
  try {
    let cause = error;
    for (let level = 1; level <= MAX_CAUSES; level += 1) {
      cause = memberOf(Object(cause) as { readonly cause?: unknown }, "cause");
      const code = memberOf(Object(cause) as { readonly code?: unknown }, "code");
      if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
    }
  } catch {
    // A getter of an error from a custom fetch can throw.
  }
  return undefined;
}

async function readAtMost(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // An exception in the loop cancels the stream.
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) throw new IssuerRequestError("the response is longer than 1 MiB");
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

/** Removes the headers that no longer apply, because fetch has decoded the body. */
function withoutEncoding(headers: Headers): Headers {
  const plain = new Headers(headers);
  plain.delete("content-encoding");
  plain.delete("content-length");
  return plain;
}
