import type { X509Certificate } from "node:crypto";

/** The maximum length of a value in a report, in characters. */
const MAX_VALUE = 160;

/** The maximum length of a text in a report, in characters. */
const MAX_TEXT = 1000;

/** The maximum number of array items that are shown. */
const MAX_ITEMS = 8;

/** The maximum depth of nested arrays and objects that is shown. */
const MAX_DEPTH = 4;

/**
 * Escapes and shortens untrusted text for a terminal. Escapes control characters, bidirectional controls and invisible
 * characters.
 */
export function printable(text: string): string {
  return shortened(text, MAX_VALUE);
}

/** Formats any JSON value like {@link printable}; limits the number of items and the depth. */
export function printableValue(value: unknown): string {
  return printableAt(value, MAX_DEPTH);
}

/** Escapes and shortens all strings of a report. */
export function printableReport<Report>(report: Report): Report {
  // Replaces strings by strings only, so the type stays the same.
  return JSON.parse(JSON.stringify(report), (_name, value: unknown) =>
    typeof value === "string" ? shortened(value, MAX_TEXT) : value,
  ) as Report;
}

/** Escapes and shortens a sentence. */
export function printableSentence(text: string): string {
  return shortened(text, MAX_TEXT);
}

/** Formats the subject or the issuer of a certificate; Node.js returns undefined for an empty name. */
export function nameText(certificate: X509Certificate, member: "subject" | "issuer"): string {
  const name = certificate[member] as string | undefined;
  return name === undefined || name === "" ? "(empty)" : printable(name.replaceAll("\n", ", "));
}

/** Formats the start or the end of the validity; a certificate can contain an unreadable date. */
export function validityText(certificate: X509Certificate, member: "validFrom" | "validTo"): string {
  const time = Date.parse(certificate[member]);
  return Number.isNaN(time) ? `unreadable (${printable(certificate[member])})` : new Date(time).toISOString();
}

function shortened(text: string, limit: number): string {
  // By code point, to keep surrogate pairs together.
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
    const more = value.length > MAX_ITEMS ? `, ... (${value.length} items)` : "";
    return `[${value
      .slice(0, MAX_ITEMS)
      .map((item) => printableAt(item, levels - 1))
      .join(", ")}${more}]`;
  }
  return printable(JSON.stringify(limitDepth(value, levels)));
}

/** Copies a JSON value to a limited depth. JSON.stringify is recursive, and the sender chooses the depth. */
function limitDepth(value: unknown, levels: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return "...";
  if (Array.isArray(value)) return value.map((item) => limitDepth(item, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, limitDepth(member, levels - 1)]));
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
