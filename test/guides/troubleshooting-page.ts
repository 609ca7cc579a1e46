import { readFileSync } from "node:fs";
import { expect } from "vitest";

const page = readFileSync(new URL("../../docs/troubleshooting.md", import.meta.url), "utf8");

/** Expects a real message to match, and the matching text to be on the troubleshooting page, formatted as code. */
export function expectExplained(message: string, expected: RegExp): void {
  expect(message).toMatch(expected);
  const [text = ""] = expected.exec(message) ?? [];
  expect(page.includes(`\`${text}\``), `the page does not explain \`${text}\``).toBe(true);
}
