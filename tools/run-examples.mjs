// Runs every example: a folder of examples/ whose package.json has a start script of the form `node <file>`.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { passes, report } from "./example.mjs";

const examples = join(dirname(fileURLToPath(import.meta.url)), "..", "examples");

/** @param {string} name @returns {string | undefined} */
function startScript(name) {
  const file = join(examples, name, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).scripts?.start : undefined;
}

/**
 * @param {string} name
 * @param {string} script
 * @returns {boolean}
 */
function runExample(name, script) {
  const [command, ...args] = script.split(" ");
  if (command === "node" && args.length > 0) return passes(name, args, join(examples, name));
  console.log(`FAIL ${name}: its start script is not of the form "node <file>"`);
  return false;
}

const found = (existsSync(examples) ? readdirSync(examples) : []).flatMap((name) => {
  const script = startScript(name);
  return script === undefined ? [] : [{ name, script }];
});
report(found.map(({ name, script }) => runExample(name, script)));
