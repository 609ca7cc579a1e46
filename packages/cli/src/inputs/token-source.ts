import { existsSync } from "node:fs";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";
import { readText, type TextInput } from "./text-source.ts";

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
