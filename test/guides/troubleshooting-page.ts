import { readFileSync } from "node:fs";
import { expect } from "vitest";

const page = readFileSync(new URL("../../docs/troubleshooting.md", import.meta.url), "utf8");

/** What was really said is what somebody will look for on the page: those words of it must be there, as code. */
export function expectExplained(said: string, expected: RegExp): void {
  expect(said).toMatch(expected);
  const [words = ""] = expected.exec(said) ?? [];
  expect(page.includes(`\`${words}\``), `the page does not explain \`${words}\``).toBe(true);
}
