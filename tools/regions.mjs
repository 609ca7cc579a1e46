// Reads the regions of files that pages and doc comments show: the lines between `// #region NAME` and `// #endregion`.

import { readFileSync } from "node:fs";

/**
 * Returns a whole file without its markers, or, with a name, all regions with this name without their indentation.
 *
 * @param {string} file
 * @param {string | undefined} name
 * @throws Error if the file has no such region
 */
export function regionOf(file, name) {
  const lines = readFileSync(file, "utf8").split("\n");
  if (name === undefined) return lines.filter((line) => !isMarker(line)).join("\n");
  /** @type {string[][]} */
  const parts = [];
  /** @type {string[] | undefined} */
  let part;
  for (const line of lines) {
    if (isMarker(line)) {
      const begins = line.includes("#region") && line.trim().split(/\s+/).at(2) === name;
      part = begins ? [] : undefined;
      if (part !== undefined) parts.push(part);
    } else part?.push(line);
  }
  if (parts.length === 0) throw new Error(`${file}: has no region ${name}`);
  return `${parts.flatMap(withoutIndentation).join("\n")}\n`;
}

/** @param {string} line */
function isMarker(line) {
  return /^\s*(?:\/\/|#|<!--) #(?:end)?region\b/.test(line);
}

/** @param {string[]} lines */
function withoutIndentation(lines) {
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent));
}
