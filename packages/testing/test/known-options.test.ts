import { expect, test } from "vitest";
import { assertKnownOptions } from "../src/known-options.ts";

test("accepts known options, even if they are undefined", () => {
  expect(() => assertKnownOptions({ one: 1, two: undefined }, ["one", "two", "three"])).not.toThrow();
});

test("rejects an unknown option and names it", () => {
  expect(() => assertKnownOptions({ one: 1, tow: 2 }, ["one", "two"])).toThrow(/^Unknown option: tow\. /);
});
