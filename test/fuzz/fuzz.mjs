// Looks for inputs of which a promise of the core does not hold, guided by coverage: `npm run fuzz`. Exits with 1 when it
// finds one, or cannot begin.
//   npm run fuzz -- --target claims --seconds 600    one target (default: all), and how long each (default: 60)
// Jazzer.js is fetched for it, and needs glibc 2.38: Debian 13, Ubuntu 24.04. Elsewhere, use a container or a chroot.
// What it learns stays in .fuzz, where the next run begins; an input that it finds belongs in test/fuzz/corpus.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { targets } from "./targets.mjs";

const JAZZER = "@jazzer.js/core@4.0.0";
/** The longest input, in bytes: a chain of certificates, encoded. */
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
 * Fuzzes one target, and says what is wrong.
 *
 * @param {string} name
 * @returns {Promise<string | undefined>}
 */
async function fuzz(name) {
  const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
  const [learned, findings] = [at(`../../.fuzz/${name}/learned`), at(`../../.fuzz/${name}/findings`)];
  for (const directory of [learned, findings]) mkdirSync(directory, { recursive: true });
  const jazzer = ["--yes", `--package=${JAZZER}`, "--", "jazzer"];
  const input = [at(`targets/${name}.mjs`), learned, at(`corpus/${name}`), "--sync"];
  const engine = [`-max_total_time=${seconds}`, `-max_len=${MAX_LENGTH}`, `-artifact_prefix=${findings}/`];
  const child = spawn("npx", [...jazzer, ...input, "--", ...engine], { stdio: ["ignore", "inherit", "pipe"] });
  let told = "";
  child.stderr.on("data", (chunk) => {
    process.stderr.write(chunk);
    told = `${told}${chunk}`.slice(-10_000);
  });
  const [status, signal] = await once(child, "close");
  if (status === 0) return undefined;
  if (/GLIBC_|ERR_DLOPEN_FAILED/.test(told)) return "Jazzer.js does not load here; it needs glibc 2.38 or later";
  const found = readdirSync(findings);
  return found.length > 0 ? `see ${found.join(", ")} in ${findings}` : `ended with ${signal ?? status}`;
}
