import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { authorizationHeader, bearerToken } from "../../src/http/authorization-header.ts";
import { outcome, rejection } from "../support/outcome.ts";

fc.configureGlobal({ seed: 6750 });

/** Reads the token from a request with these Authorization headers. */
function token(authorization: readonly string[], schemes: readonly string[] = ["bearer"]): string {
  const rawHeaders = ["Host", "api.example", ...authorization.flatMap((value) => ["Authorization", value])];
  return readToken(rawHeaders, schemes);
}

function readToken(rawHeaders: readonly string[], schemes: readonly string[] = ["bearer"]): string {
  return bearerToken(authorizationHeader({ rawHeaders, socket: {} }), schemes);
}

describe("the Authorization header", () => {
  test.each([
    ["Bearer abc", "abc"],
    ["bearer abc", "abc"],
    ["BEARER abc", "abc"],
    ["Bearer    abc", "abc"],
    ["Bearer Bearer", "Bearer"],
    ["Bearer aZ09-._~+/==", "aZ09-._~+/=="],
  ])("contains a token: %j yields %j", (credentials, expected) => {
    expect(token([credentials])).toBe(expected);
  });

  test.each([
    "",
    "Basic abc",
    "DPoP abc",
    "Bearerabc",
    "BearerX abc",
    "Bear er abc",
    "abc",
    "Bearer=abc",
    "mtls_pop abc",
  ])("is rejected as missing a token when it is %j", (credentials) => {
    expect(outcome(() => token([credentials]))).toBe("ERR_TOKEN_MISSING");
  });

  test.each([
    "Bearer",
    "Bearer ",
    "Bearer   ",
    "Bearer\tabc",
    "Bearer \tabc",
    "Bearer a b",
    "Bearer abc ",
    "Bearer abc\t",
    "Bearer abc,",
    "Bearer a,b",
    "Bearer a, b",
    "Bearer a, Bearer b",
    "Bearer a\nb",
    "Bearer a\u00a0b",
    "Bearer a\u2028b",
    "Bearer a\u3000b",
    "Bearer a\ufeffb",
  ])("is rejected as malformed when it is %j", (credentials) => {
    expect(outcome(() => token([credentials]))).toBe("ERR_REQUEST_MALFORMED");
  });

  test("is rejected as missing a token when it is absent", () => {
    expect(outcome(() => token([]))).toBe("ERR_TOKEN_MISSING");
  });

  test.each([
    ["two tokens", ["Bearer a", "Bearer b"]],
    ["the same token twice", ["Bearer a", "Bearer a"]],
    ["another scheme after the token", ["Bearer a", "Basic b"]],
    ["another scheme before the token", ["Basic b", "Bearer a"]],
    ["an empty value after the token", ["Bearer a", ""]],
    ["two schemes that are not accepted", ["Basic a", "DPoP b"]],
  ])("is rejected as malformed when it occurs twice, with %s (W-01)", (_, headers) => {
    expect(outcome(() => token(headers))).toBe("ERR_REQUEST_MALFORMED");
  });

  test("is matched in any letter case", () => {
    const rawHeaders = ["authorization", "Bearer a", "AUTHORIZATION", "Bearer b"];
    expect(outcome(() => readToken(rawHeaders))).toBe("ERR_REQUEST_MALFORMED");
    expect(readToken(rawHeaders.slice(2))).toBe("b");
  });

  test.each(["Proxy-Authorization", "X-Forwarded-Authorization", "Authorization-Info", "Cookie"])(
    "is the only header that is read: %s is ignored (W-04)",
    (name) => {
      const rawHeaders = [name, "Bearer abc"];
      expect(outcome(() => readToken(rawHeaders))).toBe("ERR_TOKEN_MISSING");
    },
  );
});

describe("an incomplete header list", () => {
  const filler = (count: number) => Array.from({ length: count }, () => ["a", ""]).flat();

  /** Reads the token from a request with this number of header fields, of which the Authorization header is the first. */
  function readAmong(count: number, socket: object, authorization = ["Authorization", "Bearer abc"]): string {
    const rawHeaders = [...authorization, ...filler(count - authorization.length / 2)];
    return bearerToken(authorizationHeader({ rawHeaders, socket }), ["bearer"]);
  }

  test.each([
    [1000, {}],
    [1000, { server: { maxHeadersCount: null } }],
    [10, { server: { maxHeadersCount: 10 } }],
    [3000, { server: { maxHeadersCount: 3000 } }],
  ])("is rejected as malformed at %i fields or more, and accepted with one field less", (limit, socket) => {
    expect(readAmong(limit - 1, socket)).toBe("abc");
    for (const count of [limit, limit + 1, limit + 31])
      expect(outcome(() => readAmong(count, socket))).toBe("ERR_REQUEST_MALFORMED");
  });

  test("is rejected as malformed, not as missing a token, when it has no Authorization header", () => {
    expect(outcome(() => readAmong(1000, {}, []))).toBe("ERR_REQUEST_MALFORMED");
    expect(outcome(() => readAmong(999, {}, []))).toBe("ERR_TOKEN_MISSING");
  });

  test("does not occur if the server has no limit", () => {
    expect(readAmong(5000, { server: { maxHeadersCount: 0 } })).toBe("abc");
  });

  test("is described in the detail of the error", () => {
    const { detail } = rejection(() => readAmong(1023, {}));
    expect(detail).toMatch(/incomplete.*1023.*1000/);
    expect(detail).not.toContain("abc");
  });
});

describe("the accepted schemes", () => {
  test.each(["mtls_pop abc", "MTLS_POP abc", "Bearer abc"])(
    "include the scheme of %j when it is configured",
    (credentials) => {
      expect(token([credentials], ["bearer", "mtls_pop"])).toBe("abc");
    },
  );

  test("do not include Bearer when only another scheme is configured", () => {
    expect(outcome(() => token(["Bearer abc"], ["mtls_pop"]))).toBe("ERR_TOKEN_MISSING");
    expect(token(["mtls_pop abc"], ["mtls_pop"])).toBe("abc");
  });
});

describe("a rejection", () => {
  test.each([["Bearer topsecret topsecret"], ["Basic topsecret"], ["topsecret"], ["Bearer topsecret,"]])(
    "of %j does not disclose the header's value",
    (credentials) => {
      const { message, detail, stack } = rejection(() => token([credentials]));
      expect(detail).toBeTypeOf("string");
      expect(`${message} ${detail} ${stack}`).not.toContain("topsecret");
    },
  );
});

const b64token = fc.stringMatching(/^[\w.~+/-]+=*$/);
const scheme = fc.constantFrom("Bearer", "bearer", "BEARER", "bEaReR");

describe("an arbitrary Authorization header", () => {
  fuzz.prop([scheme, fc.integer({ min: 1, max: 20 }), b64token])("yields its b64token", (name, spaces, text) => {
    expect(token([`${name}${" ".repeat(spaces)}${text}`])).toBe(text);
  });

  fuzz.prop([scheme, b64token, fc.constantFrom(" ", ",", "\t", "\r", "\n", ", "), b64token])(
    "is rejected as malformed when it has two b64tokens",
    (name, one, separator, other) => {
      expect(outcome(() => token([`${name} ${one}${separator}${other}`]))).toBe("ERR_REQUEST_MALFORMED");
    },
  );

  fuzz.prop([
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((text) => `Bearer ${text}`),
    ),
  ])("yields one token, or is rejected with an AccessTokenError", (credentials) => {
    const result = outcome(() => expect(token([credentials])).toMatch(/^[^\s,]+$/));
    expect(["accepted", "ERR_TOKEN_MISSING", "ERR_REQUEST_MALFORMED"]).toContain(result);
  });

  // In quadratic time, each of these would take minutes.
  test.each([
    ["blanks", `Bearer${" ".repeat(500_000)}`],
    ["blanks before a comma", `Bearer${" ".repeat(500_000)},`],
    ["a long token with a trailing blank", `Bearer ${"a".repeat(500_000)} `],
    ["many tokens", `Bearer${" a".repeat(250_000)}`],
    ["many commas", `Bearer ${",".repeat(500_000)}`],
  ])("is rejected in linear time: %s", (_, credentials) => {
    expect(outcome(() => token([credentials]))).toBe("ERR_REQUEST_MALFORMED");
  });
});
