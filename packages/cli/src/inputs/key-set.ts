import type { JsonWebKeySet } from "@certbound/core";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";
import { isNestedDeeply } from "./nesting.ts";
import { readText } from "./text-source.ts";

/** The key set of the command line: that of a file, or its URL. */
export interface KeySetInput {
  readonly jwks: JsonWebKeySet | string | undefined;
  readonly hasByteOrderMark: boolean;
}

/**
 * Reads the key set in a file; the address of one is left to core.
 *
 * @throws UsageError
 */
export async function keySet(source: string | undefined, surroundings: Surroundings): Promise<KeySetInput> {
  if (source === undefined || /^https?:/.test(source)) return { jwks: source, hasByteOrderMark: false };
  const { text, hasByteOrderMark } = await readText(source, "--jwks", surroundings);
  const parsed = jsonOf(text);
  if (isNestedDeeply(parsed))
    throw new UsageError("--jwks: the file is not a JSON Web Key Set: it is nested too deeply");
  // What it has to look like, core says.
  return { jwks: parsed as JsonWebKeySet, hasByteOrderMark };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError("--jwks: the file is not JSON");
  }
}
