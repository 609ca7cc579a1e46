import { Buffer } from "node:buffer";

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
const MOST_READ = 1024 * 1024 + 1;

/** Wraps a fetch: core says in words of its own why an exchange failed, and not with what. */
export function recordingFetch(fetch: typeof globalThis.fetch): RecordingFetch {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      try {
        const response = await fetch(input, init);
        const bytes = await readBody(response);
        const contentType = response.headers.get("content-type") ?? "";
        const { status } = response;
        exchanges.push({ url, status, contentType, body: bytes.toString("utf8"), failure: undefined });
        return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
          status,
          headers: { "content-type": contentType },
        });
      } catch (error) {
        exchanges.push({ url, status: undefined, contentType: "", body: "", failure: failureCode(error) });
        throw error;
      }
    },
  };
}

/** The code of an error, or of what caused it. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error.cause !== undefined) return failureCode(error.cause);
  return error.name;
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
