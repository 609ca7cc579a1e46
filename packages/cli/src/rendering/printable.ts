import type { X509Certificate } from "node:crypto";

/** How much of a value is shown, in characters. */
const SHOWN = 160;

/** The maximum length of a text in a report, in characters. */
const MAX_TEXT = 1000;

/** How many items of a list, and members of an object, are shown. */
const SHOWN_ITEMS = 8;

/** How many levels of nested lists and objects are shown. */
const SHOWN_LEVELS = 4;

/**
 * Makes a text that somebody else wrote harmless and short: control characters, what turns the direction of text, and what
 * takes no room are written as escapes, since a terminal would obey them.
 */
export function printable(text: string): string {
  return shortened(text, SHOWN);
}

/** Shows any JSON value so; a list by its first items, and nested values to a limited depth. */
export function printableValue(value: unknown): string {
  return printableAt(value, SHOWN_LEVELS);
}

/** Escapes and shortens all texts of a report, whatever they were composed of. */
export function printableReport<Report>(report: Report): Report {
  // The shape stays the same: only texts are replaced, by texts.
  return JSON.parse(JSON.stringify(report), (_name, value: unknown) =>
    typeof value === "string" ? shortened(value, MAX_TEXT) : value,
  ) as Report;
}

/** Escapes and shortens a sentence. */
export function printableSentence(text: string): string {
  return shortened(text, MAX_TEXT);
}

/** Writes the subject or the issuer of a certificate; Node.js leaves it undefined if the name is empty. */
export function nameText(certificate: X509Certificate, member: "subject" | "issuer"): string {
  const name = certificate[member] as string | undefined;
  return name === undefined || name === "" ? "(empty)" : printable(name.replaceAll("\n", ", "));
}

/** Writes the start or the end of the validity; a certificate can hold a date that cannot be read. */
export function validityText(certificate: X509Certificate, member: "validFrom" | "validTo"): string {
  const time = Date.parse(certificate[member]);
  return Number.isNaN(time) ? `unreadable (${printable(certificate[member])})` : new Date(time).toISOString();
}

function shortened(text: string, limit: number): string {
  // By code point, so that no pair of surrogates is cut.
  const characters = Array.from(text.slice(0, limit * 2));
  const shown = characters
    .slice(0, limit)
    .join("")
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
  return characters.length > limit || text.length > limit * 2 ? `${shown}... (${text.length} characters)` : shown;
}

function printableAt(value: unknown, levels: number): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return value === "" ? '""' : printable(value);
  if (Array.isArray(value)) {
    if (levels === 0) return "[...]";
    const more = value.length > SHOWN_ITEMS ? `, ... (${value.length} items)` : "";
    return `[${value
      .slice(0, SHOWN_ITEMS)
      .map((item) => printableAt(item, levels - 1))
      .join(", ")}${more}]`;
  }
  return printable(JSON.stringify(withoutDepth(value, levels)));
}

/** Copies a value out of JSON to a limited depth: JSON.stringify is recursive, and the depth is the sender's choice. */
function withoutDepth(value: unknown, levels: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return "...";
  if (Array.isArray(value)) return value.map((item) => withoutDepth(item, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutDepth(member, levels - 1)]));
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
