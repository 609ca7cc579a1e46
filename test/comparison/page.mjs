// The tables of docs/comparison.md that the runner writes. Each stands between `<!-- measured: NAME -->` and `<!-- end -->`.

import { readFileSync, writeFileSync } from "node:fs";

const page = new URL("../../docs/comparison.md", import.meta.url);
const section = /(<!-- measured: (\S+) -->\n)([\s\S]*?)(?=<!-- end -->)/g;

/** A table: the name of each row, and a cell for each column. @typedef {{ readonly columns: readonly string[], readonly rows: readonly (readonly string[])[] }} Table */

/** Returns the text of each measured table on the page, by name. @returns {Map<string, string>} */
export function measuredTables() {
  return new Map([...readFileSync(page, "utf8").matchAll(section)].map(([, , name = "", text = ""]) => [name, text]));
}

/** Replaces measured tables. @param {ReadonlyMap<string, string>} tables */
export function writeTables(tables) {
  const text = readFileSync(page, "utf8");
  writeFileSync(
    page,
    text.replaceAll(section, (_whole, start, name, old) => `${start}${tables.get(name) ?? old}`),
  );
}

/** @param {Table} table */
export function toMarkdown({ columns, rows }) {
  const lines = [columns, columns.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
