import { expect, test } from "vitest";
import { decodeBase64url } from "../../src/values/base64url.ts";

test.each([
  ["", []],
  ["AA", [0]],
  ["_-8", [255, 239]],
  ["AQAB", [1, 0, 1]],
])("decodeBase64url decodes %j", (text, bytes) => {
  expect([...(decodeBase64url(text) ?? [])]).toEqual(bytes);
});

test.each(["A", "AB", "AA=", "AA==", "AAB", "+/8", " AA", "AA\n", "A A", "AA!", "é"])(
  "decodeBase64url rejects %j",
  (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  },
);
