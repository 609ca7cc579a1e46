import { describe, expect, test } from "vitest";
import { isJsonWebKeySet } from "../src/json-web-key-set.ts";

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
  ])("judges the shape of %j", (value, expected) => {
    expect(isJsonWebKeySet(value)).toBe(expected);
  });
});
