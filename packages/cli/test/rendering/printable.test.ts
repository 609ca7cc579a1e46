import { expect, test } from "vitest";
import { printable, printableValue } from "../../src/rendering/printable.ts";

test.each([
  ["no character of plain text", "plain text, ümläute, 漢字 and 🙂", "plain text, ümläute, 漢字 and 🙂"],
  ["control characters", "a\u001bb\u0000c\u007fd\u009be\n", String.raw`a\u{1b}b\u{0}c\u{7f}d\u{9b}e\u{a}`],
  [
    "invisible characters and lone surrogates",
    "\u202eabc\u2028\ufeff\ud800",
    String.raw`\u{202e}abc\u{2028}\u{feff}\u{d800}`,
  ],
])("printable escapes %s for a terminal", (_name, text, expected) => {
  expect(printable(text)).toBe(expected);
});

test.each([200, 100_000])("printable shortens a text of %i characters, and states its length", (length) => {
  expect(printable("x".repeat(length))).toBe(`${"x".repeat(160)}... (${length} characters)`);
  expect(printable("x".repeat(160))).toBe("x".repeat(160));
  expect(printable("🙂".repeat(length)).slice(0, 322)).toBe(`${"🙂".repeat(160)}..`);
});

test.each([
  [undefined, "none"],
  ["", '""'],
  [null, "null"],
  [["a", 1, "\u001b"], String.raw`[a, 1, \u{1b}]`],
  [Array.from({ length: 9 }, () => "a"), `[${"a, ".repeat(8)}... (9 items)]`],
  [{ a: { b: 1 } }, '{"a":{"b":1}}'],
  [[[[["a"]]]], "[[[[a]]]]"],
  [[[[[["a"]]]]], "[[[[[...]]]]]"],
  [{ a: { a: { a: { a: { a: 1 } } } } }, '{"a":{"a":{"a":{"a":"..."}}}}'],
])("printableValue formats %j", (value, expected) => {
  expect(printableValue(value)).toBe(expected);
});
