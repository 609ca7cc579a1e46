// Runs examples/frameworks as a user's project: with separate dependencies, and the packages as `npm publish` packs them.
// The lock file of that project does not contain these packages, and is not changed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { passes, report } from "./example.mjs";

const PACKAGES = ["core", "express", "testing"];
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const examples = join(root, "examples", "frameworks");

/**
 * Runs a command and shows its output. Exits this process if the command fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function run(command, args, cwd) {
  const { status, signal, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status === 0) return;
  console.error(`"${command} ${args[0]}" failed: ${error?.message ?? signal ?? `exit code ${status}`}`);
  process.exit(1);
}

function install() {
  const folder = mkdtempSync(join(tmpdir(), "certbound-frameworks-"));
  try {
    const workspaces = PACKAGES.map((name) => `--workspace=packages/${name}`);
    run("npm", ["pack", "--silent", ...workspaces, `--pack-destination=${folder}`], root);
    run("npm", ["ci"], examples);
    run("npm", ["install", "--no-save", ...readdirSync(folder).map((file) => join(folder, file))], examples);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compile() {
  const built = join(examples, "dist");
  rmSync(built, { recursive: true, force: true });
  run(execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", examples], root);
  return built;
}

install();
const built = compile();
const checks = readdirSync(built, { encoding: "utf8", recursive: true }).filter((file) => file.endsWith(".check.js"));
report(checks.toSorted().map((file) => passes(file.replace(/\.check\.js$/, ""), [file], built)));
