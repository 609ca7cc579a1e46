import { Buffer } from "node:buffer";
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

/** A fetch that remembers what it did. */
export interface RecordingFetch {
  readonly fetch: typeof globalThis.fetch;
  readonly exchanges: readonly Exchange[];
}

/** How much of an answer is read, in bytes: more than core accepts. */
const MOST_READ = MAX_BODY + 1;

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

/** The code of an error, or of what caused it. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  // Requests are aborted here for one reason: they took too long.
  if (error.name === "AbortError" || error.name === "TimeoutError") return "ETIMEDOUT";
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error.cause !== undefined) return failureCode(error.cause);
  return error.name;
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
