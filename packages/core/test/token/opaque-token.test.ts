import { fc, test as fuzz } from "@fast-check/vitest";
import { forgeToken } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { checkOpaqueToken, isOpaqueToken } from "../../src/token/opaque-token.ts";
import { outcome, rejection } from "../support/outcome.ts";

const header = Buffer.from('{"alg":"ES256"}').toString("base64url");

describe("isOpaqueToken", () => {
  test.each([
    ["a signed token", forgeToken({ header: { alg: "ES256", typ: "at+jwt" }, payload: {}, signature: "AAAA" })],
    ["a token without a signature", `${header}.e30.`],
    ["a token without a payload", `${header}..AAAA`],
    ["a token whose payload is not JSON", `${header}.text.AAAA`],
    ["a token with padding", `${header}=.e30=.AAAA==`],
    ["a token with characters that a JWS cannot have", `${header}.é\n.~`],
    ["a token whose header is truncated", `${header.slice(0, 2)}.e30.AAAA`],
    [
      "a token whose header has a space after the brace",
      `${Buffer.from('{ "alg":"ES256"}').toString("base64url")}.e30.AAAA`,
    ],
    [
      "a token whose header has a tab after the brace",
      `${Buffer.from('{\t"alg":"ES256"}').toString("base64url")}.e30.AAAA`,
    ],
    [
      "a token whose header has a line feed after the brace",
      `${Buffer.from('{\n"alg":"ES256"}').toString("base64url")}.e30.AAAA`,
    ],
    ["a token of more than 100,000 characters", `${header}.${"A".repeat(100_000)}.AAAA`],
  ])("returns false for %s", (_name, token) => {
    expect(isOpaqueToken(token)).toBe(false);
  });

  test.each([
    ["random text", "mF_9B5f-41JqM"],
    ["the example of RFC 6749", "2YotnFZFEjr1zCsicMWpAA"],
    ["a UUID", "0d1bfb0e-7a2f-4e57-9a53-3f0a4f7c2f6d"],
    ["an empty string", ""],
    ["a JWE, with five parts", `${header}.AAAA.AAAA.AAAA.AAAA`],
    ["four parts", `${header}.e30.AAAA.AAAA`],
    ["two parts", `${header}.e30`],
    ["one part", header],
    ["a period at the end of three parts", `${header}.e30.AAAA.`],
    ["a period before three parts", `.${header}.e30.AAAA`],
    ["two periods and nothing else", ".."],
    ["three parts of which the first is not a JSON object", "mF_9.B5f-4.1JqM"],
    ["three parts of which the first is a list", `${Buffer.from('["ES256"]').toString("base64url")}.e30.AAAA`],
    ["three parts of which the first is a string", `${Buffer.from('"ES256"').toString("base64url")}.e30.AAAA`],
    ["three parts of which the first begins with the same letter", "e9Wm.e30.AAAA"],
    [
      "three parts of which the first is a brace and a letter",
      `${Buffer.from("{alg}").toString("base64url")}.e30.AAAA`,
    ],
    ["three parts of which the first is bare JSON", '{"alg":"ES256"}.{}.x'],
    ["a JWS after a space", ` ${header}.e30.AAAA`],
    ["a JWS after a byte order mark", `\uFEFF${header}.e30.AAAA`],
    ["a JWS in another case", `${header.toUpperCase()}.e30.AAAA`],
    ["full stops other than ASCII periods", `${header}。e30。AAAA`],
    ["Cyrillic letters that look like those of a JWS", `еуJhbGciOiJFUzI1NiJ9.e30.AAAA`],
  ])("returns true for %s", (_name, token) => {
    expect(isOpaqueToken(token)).toBe(true);
  });

  const part = fc.string({ unit: "binary" }).filter((text) => !text.includes("."));

  fuzz.prop([fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), part, part], { seed: 1 })(
    "returns false for any three parts that start with the header of a JWS",
    (object, payload, signature) => {
      const encoded = Buffer.from(JSON.stringify(object)).toString("base64url");
      expect(isOpaqueToken(`${encoded}.${payload}.${signature}`)).toBe(false);
      expect(isOpaqueToken(`${encoded}.${payload}.${signature}.`)).toBe(true);
    },
  );
});

describe("checkOpaqueToken", () => {
  const checked = (token: string) => outcome(() => checkOpaqueToken(token));
  const malformed = "ERR_TOKEN_MALFORMED";

  test.each(["a", "2YotnFZFEjr1zCsicMWpAA", "mF_9.B5f-4.1JqM", "-._~+/", "abc=", "abc==", "a.b.c.d.e", "...", "0"])(
    "accepts %j, which has only characters of RFC 6750",
    (token) => {
      expect(checked(token)).toBe("accepted");
    },
  );

  test.each([
    ["an empty string", ""],
    ["padding alone", "="],
    ["padding inside", "a=b"],
    ["a space", "a b"],
    ["a space before", " a"],
    ["a space after", "a "],
    ["a line feed after", "a\n"],
    ["a line break", "a\r\nb"],
    ["a tab", "a\tb"],
    ["a NUL", "a\0"],
    ["a delete character", "a\u007F"],
    ["a comma", "a,b"],
    ["a quote", '"a"'],
    ["a percent sign", "a%20b"],
    ["an ampersand, as between form fields", "a&token=b"],
    ["a colon", "a:b"],
    ["a backslash", "a\\b"],
    ["a letter with an accent", "é"],
    ["a letter of another script", "а"],
    ["a full-width letter", "Ａ"],
    ["a letter that becomes k in lower case", "\u212A"],
    ["half of a surrogate pair", "a\uD83D"],
    ["a zero-width space", "a\u200B"],
  ])("rejects %s", (_name, token) => {
    expect(checked(token)).toBe(malformed);
  });

  test("accepts 16384 characters, and rejects one more", () => {
    expect(checked("a".repeat(16_384))).toBe("accepted");
    expect(checked("a".repeat(16_385))).toBe(malformed);
    expect(checked(`${"a".repeat(16_383)}==`)).toBe(malformed);
  });

  test("rejects with an error that does not contain the token", () => {
    const error = rejection(() => checkOpaqueToken("MARKER MARKER"));
    expect(`${error.message} ${error.detail} ${JSON.stringify(error)} ${error.stack}`).not.toContain("MARKER");
    expect(error.detail).toMatch(/RFC 6750/);
  });

  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
  const unit = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...alphabet.split(""), "=") },
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );

  fuzz.prop([fc.string({ unit, maxLength: 20 })], { seed: 2, numRuns: 2000 })(
    "accepts only the format of RFC 6750 section 2.1",
    (token) => {
      const body = token.replace(/=+$/, "");
      const legal = body !== "" && body.split("").every((character) => alphabet.includes(character));
      expect(checked(token)).toBe(legal ? "accepted" : malformed);
    },
  );
});
