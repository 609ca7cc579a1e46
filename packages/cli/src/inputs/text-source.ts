import { Buffer } from "node:buffer";
import { constants, createReadStream, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { JsonWebKeySet } from "@certbound/core";
import { type Surroundings, UsageError } from "../program.ts";

/** The maximum size of an input, in bytes. */
const MAX_INPUT = 4 * 1024 * 1024;

/** The time limit for reading an input to its end, in milliseconds. */
const INPUT_TIMEOUT = 60_000;

/** The maximum nesting depth of JSON. No valid key set or option exceeds it, and such a depth does not overflow the call stack. */
const MAX_LEVELS = 100;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Text from a file or from standard input. */
export interface TextInput {
  /** Without a byte order mark. */
  readonly text: string;
  readonly hasByteOrderMark: boolean;
}

/** The key set of the command line: the content of a file, or a URL. */
export interface KeySetInput {
  readonly jwks: JsonWebKeySet | string | undefined;
  readonly hasByteOrderMark: boolean;
}

/**
 * Reads a file or a named pipe, or standard input for `-`.
 *
 * @param option the option that an error message names
 * @throws UsageError
 */
export async function readSource(
  path: string,
  option: string,
  { stdin }: Pick<Surroundings, "stdin">,
): Promise<Buffer> {
  try {
    return await (path === "-" ? withinTime(readAll(stdin)) : readNamed(path));
  } catch (error) {
    if (error instanceof InputError) throw new UsageError(`${option}: ${error.message}`);
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    // Does not repeat the path, because it may be a token that was passed instead of a file.
    throw new UsageError(`${option}: the file cannot be read (${code})`);
  }
}

/**
 * Reads UTF-8 text like {@link readSource}.
 *
 * @throws UsageError
 */
export async function readText(
  path: string,
  option: string,
  surroundings: Pick<Surroundings, "stdin">,
): Promise<TextInput> {
  const bytes = await readSource(path, option, surroundings);
  const hasByteOrderMark = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return { text: new TextDecoder().decode(bytes), hasByteOrderMark };
}

/**
 * Reads the key set from a file. Returns a URL as it is, because core fetches it.
 *
 * @throws UsageError
 */
export async function readKeySet(source: string | undefined, surroundings: Surroundings): Promise<KeySetInput> {
  if (source === undefined || /^https?:/.test(source)) return { jwks: source, hasByteOrderMark: false };
  const { text, hasByteOrderMark } = await readText(source, "--jwks", surroundings);
  const parsed = jsonOf(text);
  if (isNestedDeeply(parsed))
    throw new UsageError("--jwks: the file is not a JSON Web Key Set: it is nested too deeply");
  // Core validates the key set.
  return { jwks: parsed as JsonWebKeySet, hasByteOrderMark };
}

/** Returns true if a JSON value is nested so deeply that a recursive function, such as JSON.stringify, can fail. */
export function isNestedDeeply(value: unknown, levels: number = MAX_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeply(inner, levels - 1));
}

/** Removes the given characters from the end of a text. A regular expression would take quadratic time. */
export function trimEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Thrown for an input that is too long, or does not end in time. */
class InputError extends Error {}

async function readNamed(path: string): Promise<Buffer> {
  const stream = await openStream(path);
  try {
    return await withinTime(readAll(stream));
  } finally {
    stream.destroy();
  }
}

/** Opens a file for reading. Does not wait for the writer of a named pipe, because a blocked thread would prevent an exit. */
async function openStream(path: string): Promise<Readable> {
  if (!(await stat(path)).isFIFO()) return createReadStream(path);
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) });
}

async function readAll(source: AsyncIterable<string | Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > MAX_INPUT) throw new InputError(`the input is longer than ${MAX_INPUT} bytes`);
  }
  return Buffer.concat(chunks);
}

async function withinTime(reading: Promise<Buffer>): Promise<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    const message = `the input does not end within ${INPUT_TIMEOUT / 1000} s`;
    timer = setTimeout(() => reject(new InputError(message)), INPUT_TIMEOUT);
  });
  try {
    return await Promise.race([reading, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError("--jwks: the file is not JSON");
  }
}
