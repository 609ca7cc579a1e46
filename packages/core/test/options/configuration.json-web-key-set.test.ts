import { describe, expect, test } from "vitest";
import { isJsonWebKeySet } from "../../src/options/configuration.ts";

describe("isJsonWebKeySet", () => {
  test.each([
    [{ keys: [] }, true],
    [{ keys: [{}] }, true],
    [{ keys: [{ kty: "EC" }], other: 1 }, true],
    [{}, false],
    [[], false],
    [null, false],
    ["keys", false],
    [5, false],
    [{ keys: null }, false],
    [{ keys: {} }, false],
    [{ keys: "x" }, false],
    [{ keys: [null] }, false],
    [{ keys: [[]] }, false],
    [{ keys: ["x"] }, false],
    [{ keys: [{}, 5] }, false],
    [{ Keys: [{}] }, false],
  ])("accepts only an object with a list of objects as keys: %j has the result %s", (value, expected) => {
    expect(isJsonWebKeySet(value)).toBe(expected);
  });

  test.each([
    ["before a key", Object.assign([], { 1: {} })],
    ["after a key", Object.assign([{}], { length: 2 })],
    ["and no key", Object.assign([], { length: 3 })],
  ])("rejects a list with holes %s", (_name, keys) => {
    expect(isJsonWebKeySet({ keys })).toBe(false);
    expect(isJsonWebKeySet({ keys: [{}, {}] })).toBe(true);
  });
});
