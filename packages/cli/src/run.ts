import { readFileSync } from "node:fs";
import { checkServerArguments } from "./arguments/check-server-arguments.ts";
import { errorCodeArguments, explainArguments } from "./arguments/explain-arguments.ts";
import { thumbprintArguments } from "./arguments/thumbprint-arguments.ts";
import { type Topic, usages } from "./arguments/usage.ts";
import { checkServer } from "./check-server/check-server.ts";
import { checkServerText } from "./check-server/report.ts";
import { errorCodeText, explainErrorCode } from "./explain/error-code.ts";
import { explain } from "./explain/explain.ts";
import { explainText } from "./explain/report.ts";
import { type ExitCode, exitCodes, type Surroundings, UsageError } from "./program.ts";
import { printableReport, printableSentence } from "./rendering/printable.ts";
import { type Styling, stylingFor } from "./rendering/styling.ts";
import { thumbprint, thumbprintText } from "./thumbprint/thumbprint.ts";

/** The report of a command, and the function that formats it as text. */
interface CommandResult {
  readonly report: { readonly exitCode: ExitCode };
  readonly json: boolean;
  readonly text: (style: Styling) => string;
}

type Command = (parameters: readonly string[], surroundings: Surroundings) => Promise<CommandResult>;

const commands: Readonly<Record<Exclude<Topic, "general">, Command>> = {
  explain: async (parameters, surroundings) => {
    const lookup = errorCodeArguments(parameters);
    if (lookup !== undefined) {
      const report = explainErrorCode(lookup.code);
      return { report, json: lookup.json, text: (style) => errorCodeText(report, style) };
    }
    const given = explainArguments(parameters, surroundings.env);
    const report = printableReport(await explain(given, surroundings));
    return { report, json: given.json, text: (style) => explainText(report, style) };
  },
  thumbprint: async (parameters, surroundings) => {
    const given = thumbprintArguments(parameters);
    const report = printableReport(await thumbprint(given, surroundings));
    return { report, json: given.json, text: (style) => thumbprintText(report, style) };
  },
  "check-server": async (parameters, surroundings) => {
    const given = checkServerArguments(parameters);
    const report = printableReport(await checkServer(given, surroundings));
    return { report, json: given.json, text: (style) => checkServerText(report, style) };
  },
};

/**
 * Runs the program and returns its exit code.
 *
 * Uses the given streams and environment variables instead of those of the process, and never exits the process. Prints usage
 * errors, and rejects only because of a bug in certbound.
 *
 * @example
 * <!-- source: test/api-examples/cli.examples.ts#run -->
 * ```ts
 * import { type ExplainReport, run } from "@certbound/cli";
 *
 * let output = "";
 * const api = ["--issuer", "https://auth.example.com", "--audience", "https://api.example.com"];
 * const exitCode = await run(["explain", "--json", "--token", tokenFile, "--cert", certificateFile, ...api], {
 *   stdin: process.stdin,
 *   stdout: { write: (text) => (output += text) },
 *   stderr: process.stderr,
 *   env: process.env,
 * });
 * const { answer } = JSON.parse(output) as ExplainReport; // { status: 200 } if exitCode is 0
 * ```
 *
 * @param argv the arguments after the program name
 */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  try {
    return await runCommand(argv, surroundings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const sentence = printableSentence(error.message);
    if (argv.includes("--json")) {
      // Does not repeat an unknown command, because it may be a token.
      const command = isCommand(argv[0]) ? argv[0] : undefined;
      stdout.write(`${JSON.stringify({ command, exitCode: exitCodes.usage, error: sentence })}\n`);
    } else {
      stderr.write(`certbound: ${sentence}\n`);
    }
    return exitCodes.usage;
  }
}

async function runCommand(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const [name, ...parameters] = argv;
  const { stdout } = surroundings;
  if (name === "--version") {
    stdout.write(`${version()}\n`);
    return exitCodes.success;
  }
  if (name === "--help" || name === "-h") {
    stdout.write(usages.general);
    return exitCodes.success;
  }
  if (!isCommand(name))
    throw new UsageError(`${name === undefined ? "missing command" : "unknown command"}; see certbound --help`);
  if (parameters.includes("--help") || parameters.includes("-h")) {
    stdout.write(usages[name]);
    return exitCodes.success;
  }
  const { report, json, text } = await commands[name](parameters, surroundings);
  stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : text(stylingFor(surroundings)));
  return report.exitCode;
}

function isCommand(name: string | undefined): name is keyof typeof commands {
  return name !== undefined && Object.hasOwn(commands, name);
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
