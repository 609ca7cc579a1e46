import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type ExplainReport, run } from "../src/index.ts";
import { NOW } from "./time.ts";

/** The output and the exit code of a run. */
export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The input of a run in addition to its arguments. */
export interface Given {
  readonly stdin?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
}

/** Runs the program in this process, with the given input and environment. */
export async function runCli(
  argv: readonly string[],
  { stdin = "", env = {}, isTTY = false }: Given = {},
): Promise<Run> {
  const written = { stdout: "", stderr: "" };
  const exitCode = await run(argv, {
    stdin: typeof stdin === "string" || stdin instanceof Uint8Array ? inOneChunk(stdin) : stdin,
    stdout: { isTTY, write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env,
  });
  return { exitCode, ...written };
}

/** The path of the built program. */
export const program: string = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

/** Runs the built program in a child process. */
export async function runProgram(
  parameters: readonly string[],
  {
    stdin = "",
    env = {},
    cwd,
  }: { readonly stdin?: string | Uint8Array; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Run> {
  const child = spawn(process.execPath, [program, ...parameters], { cwd, env: { NO_COLOR: "", ...env } });
  child.stdin.on("error", () => {}); // The program may exit before it has read its input.
  child.stdin.end(stdin);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, "close") as Promise<[number]>,
  ]);
  return { exitCode, stdout, stderr };
}

/** Returns the Node.js option that runs this code before the program. */
export function preload(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

async function* inOneChunk(chunk: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  yield await Promise.resolve(chunk);
}

/** Explains a token, and returns the report and the output. */
export async function explained(
  token: string,
  argv: readonly string[],
): Promise<Run & { readonly report: ExplainReport }> {
  const at = argv.includes("--at") ? [] : ["--at", String(NOW)];
  const result = await runCli(["explain", "--json", "--token", "-", ...at, ...argv], { stdin: token });
  if (result.stdout === "") throw new Error(result.stderr);
  return { ...result, report: JSON.parse(result.stdout) as ExplainReport };
}

/** A temporary folder for one test file. */
export interface Folder {
  readonly path: string;
  /** Writes a file, and returns its path. */
  readonly file: (name: string, content: string | Uint8Array) => string;
  readonly remove: () => void;
}

/** Creates a temporary folder. */
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
