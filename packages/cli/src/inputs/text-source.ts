import { Buffer } from "node:buffer";
import { constants, createReadStream, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { JsonWebKeySet } from "@certbound/core";
import { type Surroundings, UsageError } from "../program.ts";

/** The longest input that is read, in bytes. */
const MAX_INPUT = 4 * 1024 * 1024;

/** How long an input has to end, in milliseconds. */
const INPUT_TIMEOUT = 60_000;

/** More levels than a key set or an option has, and fewer than a stack of calls holds. */
const MAX_LEVELS = 100;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A text that was read. */
export interface TextInput {
  /** Without a byte order mark. */
  readonly text: string;
  readonly hasByteOrderMark: boolean;
}

/** The key set of the command line: that of a file, or its URL. */
export interface KeySetInput {
  readonly jwks: JsonWebKeySet | string | undefined;
  readonly hasByteOrderMark: boolean;
}

/**
 * Reads a file or a named pipe, or standard input for `-`.
 *
 * @param option what is named when it cannot be read
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
    // The path is not repeated: where a file is asked for, somebody may have given what belongs into it.
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
 * Reads the key set in a file; the address of one is left to core.
 *
 * @throws UsageError
 */
export async function readKeySet(source: string | undefined, surroundings: Surroundings): Promise<KeySetInput> {
  if (source === undefined || /^https?:/.test(source)) return { jwks: source, hasByteOrderMark: false };
  const { text, hasByteOrderMark } = await readText(source, "--jwks", surroundings);
  const parsed = jsonOf(text);
  if (isNestedDeeply(parsed))
    throw new UsageError("--jwks: the file is not a JSON Web Key Set: it is nested too deeply");
  // What it has to look like, core says.
  return { jwks: parsed as JsonWebKeySet, hasByteOrderMark };
}

/** Tells whether a value out of JSON is nested so deeply that a recursive function, such as JSON.stringify, can fail. */
export function isNestedDeeply(value: unknown, levels: number = MAX_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeply(inner, levels - 1));
}

/** Removes the given characters from the end of a text, in one pass: a regular expression takes quadratic time for it. */
export function trimEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** An input that is too long, or does not end. */
class InputError extends Error {}

async function readNamed(path: string): Promise<Buffer> {
  const stream = await openStream(path);
  try {
    return await withinTime(readAll(stream));
  } finally {
    stream.destroy();
  }
}

/** A pipe is opened without waiting for a writer: a blocked thread would keep the process from exiting. */
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
  const late = new Promise<never>((_resolve, reject) => {
    const message = `the input does not end within ${INPUT_TIMEOUT / 1000} s`;
    timer = setTimeout(() => reject(new InputError(message)), INPUT_TIMEOUT);
  });
  try {
    return await Promise.race([reading, late]);
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
