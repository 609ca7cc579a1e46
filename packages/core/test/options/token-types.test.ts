import { describe, expect, test } from "vitest";
import { ACCESS_TOKEN_TYPE, defaultTokenTypes, normaliseTokenType } from "../../src/options/token-types.ts";

describe("token types", () => {
  test.each([
    ["at+jwt", "at+jwt"],
    ["AT+JWT", "at+jwt"],
    ["application/at+jwt", "at+jwt"],
    ["Application/AT+JWT", "at+jwt"],
    ["x-application/at+jwt", "x-application/at+jwt"],
    ["application/application/at+jwt", "application/at+jwt"],
    ["text/at+jwt", "text/at+jwt"],
    [" at+jwt", " at+jwt"],
    ["", ""],
  ])("normalises %j to %j", (type, expected) => {
    expect(normaliseTokenType(type)).toBe(expected);
  });

  test("are at+jwt, JWT and no type by default if every token must be bound", () => {
    expect([...defaultTokenTypes(true)]).toEqual([ACCESS_TOKEN_TYPE, "jwt", null]);
  });

  test("are only at+jwt by default if unbound tokens can be accepted", () => {
    expect([...defaultTokenTypes(false)]).toEqual(["at+jwt"]);
  });
});
