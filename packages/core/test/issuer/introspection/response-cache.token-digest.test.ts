import { describe, expect, test } from "vitest";
import { tokenDigest } from "../../../src/issuer/introspection/response-cache.ts";

describe("tokenDigest", () => {
  // FIPS 180-4: the digests of the empty string and of "abc".
  test.each([
    ["", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
    ["abc", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"],
  ])("is the SHA-256 of %j", (token, digest) => {
    expect(tokenDigest(token)).toBe(digest);
  });

  test("differs for tokens that differ in a character, its case, or white space", () => {
    const tokens = ["token", "tokem", "Token", "token ", " token", "token\n", "tokén"];
    expect(new Set(tokens.map(tokenDigest)).size).toBe(tokens.length);
  });

  test("has the same length for a long token", () => {
    expect(tokenDigest("x".repeat(16_384))).toMatch(/^[\w-]{43}$/);
  });
});
