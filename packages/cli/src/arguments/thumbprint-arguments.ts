import { UsageError } from "../program.ts";
import { commonOptions, parseCommandLine } from "./command-line.ts";

/** The arguments of `certbound thumbprint`. */
export interface ThumbprintArguments {
  /** A file, `-` for standard input, or host:port. */
  readonly source: string;
  readonly all: boolean;
  readonly json: boolean;
}

/**
 * Reads the arguments of `certbound thumbprint`.
 *
 * @throws UsageError
 */
export function thumbprintArguments(parameters: readonly string[]): ThumbprintArguments {
  const { values, positionals } = parseCommandLine(parameters, { ...commonOptions, all: { type: "boolean" } });
  const [source, ...more] = positionals;
  if (source === undefined || more.length > 0) {
    throw new UsageError("thumbprint takes one argument: a file, - for standard input, or host:port");
  }
  return { source, all: values.all === true, json: values.json === true };
}
