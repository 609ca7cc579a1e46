import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { isJsonObject, type JsonObject } from "@certbound/core/internal";
import { type Surroundings, UsageError } from "../program.ts";
import { readText, type TextInput, trimEnd } from "./text-source.ts";

const QUOTES = "\"'`";

/** What can be read in a token, by nobody's word but its own: it decides nothing, it explains. */
export interface TokenReading {
  /** As it was given. */
  readonly text: string;
  /** The token that is in the text, where that is more than a token; else the text. */
  readonly repaired: string;
  readonly parts: readonly string[];
  readonly header: JsonObject | undefined;
  readonly claims: JsonObject | undefined;
  /** The bytes of the signature. */
  readonly signature: Buffer;
}

/**
 * Reads an access token from a file, or from standard input for `-`; one line feed that ends it is not part of it.
 *
 * @throws UsageError for a token on the command line
 */
export async function readToken(source: string | undefined, surroundings: Surroundings): Promise<TextInput> {
  if (source === undefined) throw new UsageError("--token is missing: give a file, or - for standard input");
  if (source !== "-" && !existsSync(source)) {
    throw new UsageError(
      "--token takes a file, or - for standard input, and there is no such file. A token is never taken from the command " +
        "line: it would be in the shell's history, and in ps for everybody on this machine",
    );
  }
  const { text, hasByteOrderMark } = await readText(source, "--token", surroundings);
  return { text: text.replace(/\r?\n$/, ""), hasByteOrderMark };
}

/** Reads a token as far as it can be read. */
export function readTokenText(text: string): TokenReading {
  const repaired = repair(text);
  const parts = repaired.split(".");
  const [header = "", payload = "", signature = ""] = parts;
  const isSigned = parts.length === 3;
  return {
    text,
    repaired,
    parts,
    header: jsonObject(header),
    claims: isSigned ? jsonObject(payload) : undefined,
    signature: Buffer.from(isSigned ? signature : "", "base64url"),
  };
}

/** Takes off what is often pasted with a token: the header's name, the scheme, quotes, escapes, line breaks, the JSON around it. */
function repair(text: string): string {
  const fromJson = jsonText(text)?.["access_token"];
  const inner = typeof fromJson === "string" ? fromJson : text;
  const bare = trimEnd(percentDecoded(inner).trim(), QUOTES)
    .replace(/^["'`]+/, "")
    .replace(/^authorization:\s*/i, "")
    .replace(/^(?:bearer|dpop)\s+/i, "")
    .replace(/^["'`]+/, "")
    .replaceAll(/\s|\\r|\\n/g, "");
  // What is no JWT is left as it is: there is nothing to go on with.
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(bare) ? bare : text;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function jsonObject(part: string): JsonObject | undefined {
  return jsonText(Buffer.from(part, "base64url").toString("utf8"));
}

function jsonText(text: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
