#!/usr/bin/env node
import process from "node:process";
import { run } from "./run.ts";

const { stdin, stdout, stderr, env } = process;
// Not exit(): what was written to a pipe may still be on its way.
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, env });
