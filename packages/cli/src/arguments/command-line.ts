import { parseArgs, type ParseArgsConfig } from "node:util";
import { hasCredentials } from "@certbound/core/internal";
import { UsageError } from "../program.ts";

/** Option declarations in the format of parseArgs. */
export type Options = NonNullable<ParseArgsConfig["options"]>;

/** The parsed options, by name, and the positional arguments. */
export interface CommandLine<Declared extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ options: Declared; strict: true; allowPositionals: true }>>["values"];
  readonly positionals: readonly string[];
}

/** The options of every command. */
export const commonOptions = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;

/**
 * Reads the arguments of one command.
 *
 * @throws UsageError for an unknown option, or for an empty value or argument. The message may quote an option name, but never a
 *   value, because a value may be a token
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
    rejectEmpty(values, positionals);
    return { values, positionals };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(usageMessage(error.message));
  }
}

/** Rejects empty values. They come from scripts with a variable that is not set, such as `--issuer "$ISSUER"`. */
function rejectEmpty(values: Readonly<Record<string, unknown>>, positionals: readonly string[]): void {
  const empty = Object.entries(values).find(([, value]) => [value].flat().includes(""));
  const what = empty === undefined ? "an argument" : `--${empty[0]}`;
  if (empty !== undefined || positionals.includes(""))
    throw new UsageError(`${what} is empty (is a variable not set?)`);
}

/** Shortens a message of parseArgs to its first sentence, and quotes an unknown option only if it looks like an option name. */
function usageMessage(message: string): string {
  if (!message.startsWith("Unknown option")) return /^.*?(?=[.\n] |\n|$)/.exec(message)?.[0] ?? message;
  return /^Unknown option '--?[a-z][a-z-]{0,30}'/i.exec(message)?.[0] ?? "Unknown option";
}

/**
 * Rejects a URL with a user name or a password, because reports contain URLs.
 *
 * @throws UsageError whose message does not quote the URL
 */
export function assertWithoutCredentials(url: string | undefined, option: string): void {
  // A value that is not a URL may be a file name.
  if (url === undefined || !URL.canParse(url) || !hasCredentials(url)) return;
  throw new UsageError(`${option} must not contain a user name or a password`);
}

/**
 * Parses a number of seconds.
 *
 * @throws UsageError
 */
export function secondsOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw new UsageError(`${option} must be a number of seconds`);
  return Number(text);
}
