import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";

/** The longest input that is read, in bytes. */
const MAX_INPUT = 4 * 1024 * 1024;

/**
 * Reads a file, or standard input for `-`.
 *
 * @param option what is named when it cannot be read
 * @throws UsageError
 */
export async function readSource(
  path: string,
  option: string,
  { stdin }: Pick<Surroundings, "stdin">,
): Promise<Buffer> {
  const bytes = path === "-" ? await readAll(stdin, option) : await readNamed(path, option);
  if (bytes.length > MAX_INPUT) throw new UsageError(`${option}: the input is longer than ${MAX_INPUT} bytes`);
  return bytes;
}

async function readNamed(path: string, option: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    // The path is not repeated: where a file is asked for, somebody may have given what belongs into it.
    throw new UsageError(`${option}: the file cannot be read (${code})`);
  }
}

async function readAll(stdin: Surroundings["stdin"], option: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > MAX_INPUT) throw new UsageError(`${option}: the input is longer than ${MAX_INPUT} bytes`);
  }
  return Buffer.concat(chunks);
}
