#!/usr/bin/env node
import process from "node:process";
import { type ExitCode, exitCodes } from "./program.ts";
import { run } from "./run.ts";

const { stdin, stdout, stderr, env } = process;
let hasEnded = false;

/** Sets the exit code without calling exit(), which could lose output that a pipe has not read yet. */
function end(exitCode: ExitCode): void {
  hasEnded = true;
  process.exitCode = exitCode;
  // Otherwise an input that did not end within the time limit keeps the process running.
  stdin.destroy();
}

/** Prints the reason and sets exit code 3, so that a failure of the program does not look like a rejected token. */
function fail(reason: string): void {
  stderr.write(`certbound: ${reason}\n`);
  end(exitCodes.noResult);
}

/** Describes an internal error by its name only, because its message can quote the input. */
function internalError(error: unknown): string {
  return `internal error (${error instanceof Error ? error.name : typeof error}): this is a bug in certbound, please report it`;
}

// Handles an error that an event handler throws.
process.once("uncaughtException", (error) => {
  fail(internalError(error));
  process.exit();
});
// Node.js exits when the event loop is empty, even if a promise has not settled.
process.once("exit", () => {
  if (!hasEnded) fail(internalError(new Error("not settled")));
});
stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that closes the pipe early, such as head, does not change the exit code.
  if (error.code !== "EPIPE") fail(`the output cannot be written (${error.code ?? error.name})`);
});
// If stderr fails, the error cannot be reported anywhere.
stderr.on("error", () => {});

/** Runs the program. Not a top-level await: if that never settled, Node.js would print an excerpt of this file as a warning. */
async function main(): Promise<void> {
  try {
    const exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, env });
    if (!hasEnded) end(exitCode);
  } catch (error) {
    fail(internalError(error));
  }
}

void main();
