#!/usr/bin/env node
import process from "node:process";
import { exitCodes } from "./exit-codes.ts";
import { run } from "./run.ts";

const { stdin, stdout, stderr, env } = process;
try {
  // Not exit(): what was written to a pipe may still be on its way.
  process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, env });
} catch (error) {
  // A mistake of ours is no refusal. Its message may quote what was read.
  const { name, stack = "" } = error instanceof Error ? error : new Error("not an error");
  stderr.write(
    `certbound: unexpected ${name}\n${stack
      .split("\n")
      .filter((line) => /^ +at /.test(line))
      .join("\n")}\n`,
  );
  process.exitCode = exitCodes.untold;
}
