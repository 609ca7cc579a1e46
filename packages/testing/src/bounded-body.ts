import type { IncomingMessage } from "node:http";

/**
 * Reads the body of a request, up to a number of bytes; gives undefined for a longer one.
 *
 * A longer body is read to its end without being kept: its sender would not see an answer that came before.
 *
 * @throws Error when the client goes before the end
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
