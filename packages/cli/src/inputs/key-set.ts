import type { JsonWebKeySet } from "@certbound/core";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";
import { readSource } from "./text-source.ts";

/**
 * Reads the key set in a file; the address of one is left to core.
 *
 * @throws UsageError
 */
export async function keySet(
  source: string | undefined,
  surroundings: Surroundings,
): Promise<JsonWebKeySet | string | undefined> {
  if (source === undefined || /^https?:/.test(source)) return source;
  const text = (await readSource(source, "--jwks", surroundings)).toString("utf8");
  try {
    // What it has to look like, core says.
    return JSON.parse(text) as JsonWebKeySet;
  } catch {
    throw new UsageError("--jwks: the file is not JSON");
  }
}
