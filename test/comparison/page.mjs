// The tables of docs/comparison.md that the runner writes. Each stands between `<!-- measured: NAME -->` and `<!-- end -->`.

import { readFileSync, writeFileSync } from "node:fs";

const page = new URL("../../docs/comparison.md", import.meta.url);
const section = /(<!-- measured: (\S+) -->\n)([\s\S]*?)(?=<!-- end -->)/g;

/** A table: the name of each row, and a cell for each column. @typedef {{ readonly columns: readonly string[], readonly rows: readonly (readonly string[])[] }} Table */

/**
 * Returns the text of each measured table on the page, by name.
 *
 * @param {readonly string[]} omitted the titles of columns to leave out
 * @returns {Map<string, string>}
 */
export function measuredTables(omitted) {
  const tables = [...readFileSync(page, "utf8").matchAll(section)];
  return new Map(tables.map(([, , name = "", text = ""]) => [name, withoutColumns(text, omitted)]));
}

/** @param {string} table @param {readonly string[]} omitted */
function withoutColumns(table, omitted) {
  const [columns = [], , ...rows] = table
    .trim()
    .split("\n")
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  const kept = (/** @type {readonly string[]} */ cells) =>
    cells.filter((_, index) => !omitted.includes(columns[index] ?? ""));
  return toMarkdown({ columns: kept(columns), rows: rows.map(kept) });
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
