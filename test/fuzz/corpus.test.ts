import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { targets } from "./targets.mjs";

describe.each(Object.entries(targets))("the fuzz target %s", (name, fuzz) => {
  const directory = new URL(`corpus/${name}/`, import.meta.url);

  test.each(readdirSync(directory))("passes with the input %s", (input) => {
    expect(fuzz(readFileSync(new URL(input, directory)))).toBeUndefined();
  });
});
