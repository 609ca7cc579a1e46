/** How much of a value is shown, in characters. */
const SHOWN = 160;

/**
 * Makes a text that somebody else wrote harmless and short: control characters, what turns the direction of text, and what
 * takes no room are written as escapes, since a terminal would obey them.
 */
export function printable(text: string): string {
  // By code point, so that no pair of surrogates is cut.
  const characters = Array.from(text.slice(0, SHOWN * 2));
  const shown = characters
    .slice(0, SHOWN)
    .join("")
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
  return characters.length > SHOWN || text.length > SHOWN * 2 ? `${shown}... (${text.length} characters)` : shown;
}

/** Shows any JSON value so; a list by its first items. */
export function printableValue(value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return value === "" ? '""' : printable(value);
  if (Array.isArray(value)) {
    const more = value.length > 8 ? `, ... (${value.length} items)` : "";
    return `[${value.slice(0, 8).map(printableValue).join(", ")}${more}]`;
  }
  // It came out of JSON.
  return printable(JSON.stringify(value));
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
