import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { isJsonObject, type JsonObject } from "@certbound/core/internal";
import { type Surroundings, UsageError } from "../program.ts";
import { readText, type TextInput, trimEnd } from "./text-source.ts";

const QUOTES = "\"'`";

/** The decoded, unverified content of a token; used only for explanations. */
export interface TokenReading {
  /** The input as given. */
  readonly text: string;
  /** The token found in the text, for example without quotes or a scheme; the text itself if none was found. */
  readonly repaired: string;
  readonly parts: readonly string[];
  readonly header: JsonObject | undefined;
  readonly claims: JsonObject | undefined;
  /** The bytes of the signature. */
  readonly signature: Buffer;
}

/**
 * Reads an access token from a file, or from standard input for `-`. Removes one line break at the end.
 *
 * @throws UsageError if the token itself is given instead of a file
 */
export async function readToken(source: string | undefined, surroundings: Surroundings): Promise<TextInput> {
  if (source === undefined) throw new UsageError("--token is required: pass a file, or - for standard input");
  if (source !== "-" && !existsSync(source)) {
    throw new UsageError(
      "--token: the file does not exist; pass a file, or - for standard input. A token is not accepted on the command " +
        "line, where the shell's history and ps would reveal it",
    );
  }
  const { text, hasByteOrderMark } = await readText(source, "--token", surroundings);
  return { text: text.replace(/\r?\n$/, ""), hasByteOrderMark };
}

/** Finds the token in a text, and decodes its parts as far as possible. Does not verify anything. */
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

/** Removes text that is often pasted together with a token: header name, scheme, quotes, escapes, line breaks, or JSON. */
function repair(text: string): string {
  const fromJson = jsonText(text)?.["access_token"];
  const inner = typeof fromJson === "string" ? fromJson : text;
  const bare = trimEnd(percentDecoded(inner).trim(), QUOTES)
    .replace(/^["'`]+/, "")
    .replace(/^authorization:\s*/i, "")
    .replace(/^(?:bearer|dpop)\s+/i, "")
    .replace(/^["'`]+/, "")
    .replaceAll(/\s|\\r|\\n/g, "");
  // Without a JWT in the text, there is nothing to repair.
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
