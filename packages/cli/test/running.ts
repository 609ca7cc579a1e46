import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExplainReport, run } from "../src/index.ts";
import { NOW } from "./time.ts";

/** What a run of the program wrote, and how it ended. */
export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is given beside its arguments. */
export interface Given {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
}

/** Runs the program in this process, with an input and an environment of its own. */
export async function runCli(
  argv: readonly string[],
  { stdin = "", env = {}, isTTY = false }: Given = {},
): Promise<Run> {
  const written = { stdout: "", stderr: "" };
  const exitCode = await run(argv, {
    stdin: (async function* () {
      yield await Promise.resolve(stdin);
    })(),
    stdout: { isTTY, write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env,
  });
  return { exitCode, ...written };
}

/** Explains a token, and gives the report with all that was written. */
export async function explained(
  token: string,
  argv: readonly string[],
): Promise<Run & { readonly report: ExplainReport }> {
  const at = argv.includes("--at") ? [] : ["--at", String(NOW)];
  const result = await runCli(["explain", "--json", "--token", "-", ...at, ...argv], { stdin: token });
  if (result.stdout === "") throw new Error(result.stderr);
  return { ...result, report: JSON.parse(result.stdout) as ExplainReport };
}

/** A folder of files, for one test file. */
export interface Folder {
  readonly path: string;
  /** Writes a file, and gives its path. */
  readonly file: (name: string, content: string | Uint8Array) => string;
  readonly remove: () => void;
}

/** Makes a folder that is removed in the end. */
export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "certbound-cli-"));
  return {
    path,
    file: (name, content) => {
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}
