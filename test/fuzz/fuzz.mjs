// Coverage-guided fuzzing: `npm run fuzz` searches for inputs that violate an invariant of the core. Exits with 1 if it finds
// one or cannot start.
//   npm run fuzz -- --target claims --seconds 600    one target (default: all), seconds per target (default: 60)
// Downloads Jazzer.js, which needs glibc 2.38 (Debian 13, Ubuntu 24.04). On other systems, use a container or a chroot.
// Learned inputs are kept in .fuzz for the next run. Add an input that violates an invariant to test/fuzz/corpus.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { targets } from "./targets.mjs";

const JAZZER = "@jazzer.js/core@4.0.0";
/** The maximum input length in bytes: enough for an encoded certificate chain. */
const MAX_LENGTH = 8192;

const { values: options } = parseArgs({
  options: { target: { type: "string" }, seconds: { type: "string", default: "60" } },
});
const seconds = Number(options.seconds);
if (!Number.isSafeInteger(seconds) || seconds < 1) throw new RangeError("--seconds must be a whole number, at least 1");
const names = options.target === undefined ? Object.keys(targets) : [options.target];
const unknown = names.find((name) => !Object.hasOwn(targets, name));
if (unknown !== undefined) throw new RangeError(`--target must be one of ${Object.keys(targets).join(", ")}`);

for (const name of names) {
  console.log(`\n> ${name}, ${seconds} s`);
  const problem = await fuzz(name);
  if (problem === undefined) continue;
  console.error(`\nnot ok: ${name}: ${problem}`);
  process.exitCode = 1;
}

/**
 * Fuzzes one target. Returns the problem, if any.
 *
 * @param {string} name
 * @returns {Promise<string | undefined>}
 */
async function fuzz(name) {
  const toPath = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
  const [learned, findings] = [toPath(`../../.fuzz/${name}/learned`), toPath(`../../.fuzz/${name}/findings`)];
  for (const directory of [learned, findings]) mkdirSync(directory, { recursive: true });
  const jazzer = ["--yes", `--package=${JAZZER}`, "--", "jazzer"];
  const input = [toPath(`targets/${name}.mjs`), learned, toPath(`corpus/${name}`), "--sync"];
  const engine = [`-max_total_time=${seconds}`, `-max_len=${MAX_LENGTH}`, `-artifact_prefix=${findings}/`];
  const child = spawn("npx", [...jazzer, ...input, "--", ...engine], { stdio: ["ignore", "inherit", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk) => {
    process.stderr.write(chunk);
    output = `${output}${chunk}`.slice(-10_000);
  });
  const [status, signal] = await once(child, "close");
  if (status === 0) return undefined;
  if (/GLIBC_|ERR_DLOPEN_FAILED/.test(output)) return "Jazzer.js cannot be loaded; it needs glibc 2.38 or later";
  const inputs = readdirSync(findings);
  return inputs.length > 0 ? `see ${inputs.join(", ")} in ${findings}` : `exited with ${signal ?? status}`;
}
