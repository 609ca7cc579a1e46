// Builds the site into .vitepress/dist: copies the pages, generates the API reference from the doc comments, runs VitePress.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { writePages } from "./pages.mjs";

const cwd = fileURLToPath(new URL(".", import.meta.url));

writePages();
run("typedoc", ["--logLevel", "Warn"]);
run("vitepress", ["build"]);

/**
 * @param {string} command of the site's dependencies
 * @param {string[]} parameters
 */
function run(command, parameters) {
  const { status } = spawnSync(`${cwd}node_modules/.bin/${command}`, parameters, { cwd, stdio: "inherit" });
  if (status !== 0) {
    console.error(`site: ${command} failed`);
    process.exit(1);
  }
}
