#!/usr/bin/env node
import process from "node:process";
import { type ExitCode, exitCodes } from "./program.ts";
import { run } from "./run.ts";

const { stdin, stdout, stderr, env } = process;
let hasEnded = false;

/** Sets the exit code. Not exit(): what was written to a pipe may still be on its way. */
function end(exitCode: ExitCode): void {
  hasEnded = true;
  process.exitCode = exitCode;
  // An input that did not end in time would keep the process running.
  stdin.destroy();
}

/** Ends with a sentence: a failure of this program must not look like a rejected token. */
function fail(reason: string): void {
  stderr.write(`certbound: ${reason}\n`);
  end(exitCodes.untold);
}

/** Names the error only: its message can quote what was read. */
function internalError(error: unknown): string {
  return `internal error (${error instanceof Error ? error.name : typeof error}): this is a bug in certbound, please report it`;
}

// An error in an event handler.
process.once("uncaughtException", (error) => {
  fail(internalError(error));
  process.exit();
});
// Node.js also exits when a promise has not settled, and nothing is left to wait for.
process.once("exit", () => {
  if (!hasEnded) fail(internalError(new Error("not settled")));
});
stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader such as head, which has read enough, does not change the exit code.
  if (error.code !== "EPIPE") fail(`the output cannot be written (${error.code ?? error.name})`);
});
// There is nowhere left to write to.
stderr.on("error", () => {});

/** Not at the top level: there, Node.js warns of an await that has not settled, with an excerpt of this file. */
async function main(): Promise<void> {
  try {
    const exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, env });
    if (!hasEnded) end(exitCode);
  } catch (error) {
    fail(internalError(error));
  }
}

void main();
