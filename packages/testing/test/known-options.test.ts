import { expect, test } from "vitest";
import { assertKnownOptions } from "../src/known-options.ts";

test("accepts options that are known, also when they are undefined", () => {
  expect(() => assertKnownOptions({ one: 1, two: undefined }, ["one", "two", "three"])).not.toThrow();
});

test("rejects an option that is not known, by name", () => {
  expect(() => assertKnownOptions({ one: 1, tow: 2 }, ["one", "two"])).toThrow(/^Unknown option: tow\. /);
});
