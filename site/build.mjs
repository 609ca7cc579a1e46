// Builds the site into .vitepress/dist: copies the pages, generates the API reference from the doc comments, runs VitePress.

import { fileURLToPath } from "node:url";
import { run } from "../tools/commands.mjs";
import { writePages } from "./pages.mjs";

const cwd = fileURLToPath(new URL(".", import.meta.url));

writePages();
run("node_modules/.bin/typedoc", ["--logLevel", "Warn"], cwd);
run("node_modules/.bin/vitepress", ["build"], cwd);
