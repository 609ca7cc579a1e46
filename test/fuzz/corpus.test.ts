import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { targets } from "./targets.mjs";

describe.each(Object.entries(targets))("the corpus of %s", (name, fuzz) => {
  const directory = new URL(`corpus/${name}/`, import.meta.url);

  test.each(readdirSync(directory))("has %s, of which every promise holds", (input) => {
    expect(fuzz(readFileSync(new URL(input, directory)))).toBeUndefined();
  });
});
