import type { IncomingMessage } from "node:http";

/**
 * Reads the body of a request, or returns undefined if it is longer than the limit.
 *
 * Reads a longer body to the end and discards it, because a client may not read a response while it is still sending.
 *
 * @throws Error if the client disconnects before the end
 */
export async function readBoundedBody(request: IncomingMessage, limit: number): Promise<string | undefined> {
  const content = await readBoundedBytes(request, limit);
  return content?.toString();
}

/** Reads the bytes of a message as {@link readBoundedBody} does. */
export async function readBoundedBytes(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  return length <= limit ? Buffer.concat(chunks) : undefined;
}
