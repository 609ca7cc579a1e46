import { parseArgs, type ParseArgsConfig } from "node:util";
import { hasCredentials } from "@certbound/core/internal";
import { UsageError } from "../program.ts";

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
 * @throws UsageError that names the option, if it looks like one; never its value, which may be a token
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
    throw new UsageError(sentenceOf(error.message));
  }
}

/** Names an unknown option only if it looks like the name of one; of other errors, the first sentence names a known option. */
function sentenceOf(message: string): string {
  if (!message.startsWith("Unknown option")) return /^.*?(?=[.\n] |\n|$)/.exec(message)?.[0] ?? message;
  return /^Unknown option '--?[a-z][a-z-]{0,30}'/i.exec(message)?.[0] ?? "Unknown option";
}

/**
 * Rejects a URL with a user name or a password: reports show URLs.
 *
 * @throws UsageError that does not quote it
 */
export function assertWithoutCredentials(url: string | undefined, option: string): void {
  // What does not parse can be the name of a file.
  if (url === undefined || !URL.canParse(url) || !hasCredentials(url)) return;
  throw new UsageError(`${option} must not have a user name or a password in it`);
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
