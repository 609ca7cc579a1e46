// Renders the pictures of the documentation: docs/pictures/NAME.d2 becomes NAME.svg, readable in light and dark mode.
// `--check` renders nothing, and fails if a picture is missing or differs from its source.

import { D2 } from "@terrastruct/d2";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { fileURLToPath } from "node:url";

const LIGHT_THEME = 0; // Neutral Default
const DARK_THEME = 200; // Dark Mauve
const folder = fileURLToPath(new URL("../docs/pictures/", import.meta.url));
const style = readFileSync(`${folder}style.d2`, "utf8");
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".d2") && file !== "style.d2")
  .map((file) => file.slice(0, -".d2".length));

const check = argv.includes("--check");
const stale = [];
const d2 = new D2();
for (const name of names) {
  const svg = await render(name);
  const file = `${folder}${name}.svg`;
  if (!check) writeFileSync(file, svg);
  else if (existing(file) !== svg) stale.push(name);
}
console.log(stale.length === 0 ? `${names.length} pictures` : `stale: ${stale.join(", ")}; run npm run pictures`);
exit(stale.length === 0 ? 0 : 1); // D2's worker keeps the process alive

async function render(name) {
  const compiled = await d2.compile({
    fs: { "index.d2": readFileSync(`${folder}${name}.d2`, "utf8"), "style.d2": style },
    inputPath: "index.d2",
    options: { layout: "elk" },
  });
  const svg = await d2.render(compiled.diagram, {
    ...compiled.renderOptions,
    themeID: LIGHT_THEME,
    darkThemeID: DARK_THEME,
    pad: 16,
    noXMLTag: true,
    salt: name,
  });
  return `${svg.trim()}\n`;
}

function existing(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
