import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "../usage-error.ts";

/** How options are declared. */
export type Options = NonNullable<ParseArgsConfig["options"]>;

/** What was given: each option by its name, and what is no option. */
export interface CommandLine<Declared extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ options: Declared; strict: true; allowPositionals: true }>>["values"];
  readonly positionals: readonly string[];
}

/** The options that every command has. */
export const commonOptions = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;

/**
 * Reads the arguments of one command.
 *
 * @throws UsageError that names the option; never what it was given, which may be a token
 */
export function parseCommandLine<const Declared extends Options>(
  parameters: readonly string[],
  options: Declared,
): CommandLine<Declared> {
  try {
    const { values, positionals } = parseArgs({
      args: [...parameters],
      options,
      strict: true,
      allowPositionals: true,
    });
    return { values, positionals };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Its first sentence names the option; the rest, how to write an argument that looks like one.
    throw new UsageError(/^.*?(?:'[^']*'.*?)?(?=[.\n] |\n|$)/.exec(error.message)?.[0] ?? error.message);
  }
}

/**
 * Reads a number.
 *
 * @throws UsageError
 */
export function numberOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw new UsageError(`${option} must be a number of seconds`);
  return Number(text);
}
