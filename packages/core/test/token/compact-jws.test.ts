import { fc, test as fuzz } from "@fast-check/vitest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_TOKEN_LENGTH, parseCompactJws, parseJsonObject, claimedIssuer } from "../../src/token/compact-jws.ts";
import { outcome, rejection } from "../support/outcome.ts";

fc.configureGlobal({ seed: 7515 });

const header = '{"alg":"ES256","typ":"at+jwt","kid":"k1"}';
const payload = '{"iss":"https://as.example"}';

function encode(part: string | Uint8Array): string {
  return Buffer.from(part).toString("base64url");
}

/** Creates a token of these parts, which are given before the base64url encoding. */
function write(
  parts: { readonly header?: string | Uint8Array; readonly payload?: string | Uint8Array } = {},
  signature = "c2lnbmF0dXJl",
): string {
  return `${encode(parts.header ?? header)}.${encode(parts.payload ?? payload)}.${signature}`;
}

function shape(token: string): ReturnType<typeof outcome> {
  return outcome(() => parseCompactJws(token));
}

/** Returns the outcome for a header with alg and these members. */
function withHeader(members: string): ReturnType<typeof outcome> {
  return shape(write({ header: `{"alg":"ES256",${members}}` }));
}

describe("a compact JWS", () => {
  test("is parsed unchanged", () => {
    const token = write();
    expect(parseCompactJws(token)).toEqual({
      token,
      algorithm: "ES256",
      keyId: "k1",
      type: "at+jwt",
      unverifiedClaims: { iss: "https://as.example" },
    });
  });

  test("may omit typ and kid", () => {
    expect(parseCompactJws(write({ header: '{"alg":"ES256"}' }))).toMatchObject({ keyId: undefined, type: undefined });
  });

  test("may have unknown header parameters (RFC 7515 section 4)", () => {
    expect(withHeader('"x":{"y":[1]},"jku":"https://evil.example","jwk":{},"x5c":["a"]')).toBe("accepted");
  });
});

describe("the number of parts (F-02, F-03, F-04)", () => {
  const [first = "", second = "", third = ""] = write().split(".");

  test.each([
    ["none", ""],
    ["one", first],
    ["two", `${first}.${second}`],
    ["four", `${first}.${second}.${third}.${third}`],
    ["an empty fourth", `${first}.${second}.${third}.`],
    ["an empty part before the header", `.${first}.${second}.${third}`],
    ["an empty header", `.${second}.${third}`],
    ["an empty payload", `${first}..${third}`],
    ["six", `${first}.${second}.${third}.${first}.${second}.${third}`],
    ["periods only", ".."],
    ["garbage after the token", `${write()} garbage`],
    ["a line end after the token", `${write()}\n`],
    ["a blank before the token", ` ${write()}`],
    ["two tokens", `${write()},${write()}`],
    ["an opaque token", "2YotnFZFEjr1zCsicMWpAA"],
  ])("rejects %s", (_, token) => {
    expect(shape(token)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("rejects five with a detail about encryption", () => {
    const jwe = rejection(() => parseCompactJws(`${encode('{"alg":"dir","enc":"A128GCM"}')}..a.b.c`));
    expect(jwe.code).toBe("ERR_TOKEN_MALFORMED");
    expect(jwe.detail).toMatch(/JWE/);
  });

  test.each([
    ["flattened", { protected: first, payload: second, signature: third }],
    ["general", { payload: second, signatures: [{ protected: first, signature: third }] }],
    ["polyglot", { [write()]: "", protected: first, payload: second, signature: third }],
  ])("rejects the %s JSON serialization", (_, jws) => {
    expect(shape(JSON.stringify(jws))).toBe("ERR_TOKEN_MALFORMED");
  });
});

// The lengths cover all remainders modulo three, so that every ending of base64url occurs.
const parts = {
  header: ['{"alg":"ES256"}', '{"alg":"ES256" }', '{"alg":"ES256"  }'].map(encode),
  payload: ['{"a":1}', '{"a":10}', '{"a":100}'].map(encode),
  signature: [[250], [251, 255], [251, 255, 191]].map((bytes) => encode(Uint8Array.from(bytes))),
};
const names = ["header", "payload", "signature"] as const;

/** Creates a token with this text as one of its encoded parts. */
function withPart(name: (typeof names)[number], text: string): string {
  const whole = { header: encode(header), payload: encode(payload), signature: "c2ln", [name]: text };
  return `${whole.header}.${whole.payload}.${whole.signature}`;
}

/** Encodes the same bytes with other unused bits at the end; returns undefined if all bits are used. */
function withOtherUnusedBits(text: string): string | undefined {
  const bytes = Buffer.from(text, "base64url");
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet
    .split("")
    .map((character) => text.slice(0, -1) + character)
    .find((candidate) => candidate !== text && Buffer.from(candidate, "base64url").equals(bytes));
}

describe.each(names)("the base64url of the %s (F-01, D-02)", (name) => {
  test.each(parts[name])("is accepted as %s", (text) => {
    expect(shape(withPart(name, text))).toBe("accepted");
  });

  test.each(
    parts[name].flatMap((text) => [
      ["a pad", `${text}=`],
      ["two pads", `${text}==`],
      ["a line end after it", `${text}\n`],
      ["a line end inside", `${text.slice(0, 2)}\r\n${text.slice(2)}`],
      ["a blank before it", ` ${text}`],
      ["a blank inside", `${text.slice(0, 1)} ${text.slice(1)}`],
      ["a NUL", `${text}\0`],
      ["the characters of base64", `+/${text.slice(2)}`],
      ["a character beyond ASCII", `\u212a${text.slice(1)}`],
      ["a percent escape", `%41${text.slice(1)}`],
    ]),
  )("is rejected with %s: %j", (_, text) => {
    expect(shape(withPart(name, text))).toBe("ERR_TOKEN_MALFORMED");
  });

  test.each(parts[name].flatMap((text) => withOtherUnusedBits(text) ?? []))(
    "is rejected with unused bits that are not zero: %s",
    (text) => {
      expect(shape(withPart(name, text))).toBe("ERR_TOKEN_MALFORMED");
    },
  );

  test("is rejected with one character that does not encode a whole byte", () => {
    expect(shape(withPart(name, `${parts[name].find((text) => text.length % 4 === 0)}A`))).toBe("ERR_TOKEN_MALFORMED");
  });
});

test("the test data has two parts of each kind with unused bits", () => {
  for (const name of names) expect(parts[name].flatMap((text) => withOtherUnusedBits(text) ?? [])).toHaveLength(2);
});

describe.each(["header", "payload"] as const)("the JSON of the %s (J-02, J-03)", (name) => {
  const member = name === "header" ? '"alg":"ES256"' : '"a":1';

  test.each([
    ["white space around it", ` {${member}}\r\n\t`],
    ["letters beyond ASCII", `{${member},"n":"Jürgen €𝄞"}`],
    ["an escaped lone surrogate", `{${member},"n":"\\ud800"}`],
    ["an empty name", `{${member},"":1}`],
  ])("is accepted with %s", (_, json) => {
    expect(shape(write({ [name]: json }))).toBe("accepted");
  });

  test.each([
    ["an array", `[{${member}}]`],
    ["null", "null"],
    ["a text", '"ES256"'],
    ["a number", "1"],
    ["true", "true"],
    ["white space only", "  "],
    ["text after it", `{${member}} x`],
    ["a second object", `{${member}}{${member}}`],
    ["a NUL after it", `{${member}}\0`],
    ["a trailing comma", `{${member},}`],
    ["a comment", `{${member}/* */}`],
    ["a line comment", `// \n{${member}}`],
    ["single quotes", "{'alg':'ES256'}"],
    ["a name without quotes", "{alg:1}"],
    ["NaN", `{${member},"n":NaN}`],
    ["a missing brace", `{${member}`],
    ["a control character in a text", `{${member},"n":"\n"}`],
  ])("is not valid and is rejected: %s", (_, json) => {
    expect(shape(write({ [name]: json }))).toBe("ERR_TOKEN_MALFORMED");
  });

  test.each([
    ["a byte order mark", Buffer.from(`\ufeff{${member}}`)],
    ["UTF-16", Buffer.from(`{${member}}`, "utf16le")],
    ["UTF-16 with a byte order mark", Buffer.from(`\ufeff{${member}}`, "utf16le")],
    ["big-endian UTF-16", Buffer.from(`{${member}}`, "utf16le").swap16()],
    ["Latin-1", Buffer.from(`{${member},"n":"ü"}`, "latin1")],
    ["a byte that UTF-8 never has", bytesInText(0xff)],
    ["an overlong encoding", bytesInText(0xc0, 0xaf)],
    ["an encoded surrogate", bytesInText(0xed, 0xa0, 0x80)],
    ["a truncated character", bytesInText(0xe2, 0x82)],
    ["a code point above U+10FFFF", bytesInText(0xf4, 0x90, 0x80, 0x80)],
  ])("is rejected with %s", (_, bytes) => {
    expect(shape(write({ [name]: bytes }))).toBe("ERR_TOKEN_MALFORMED");
  });

  function bytesInText(...bytes: number[]): Uint8Array {
    return Buffer.concat([Buffer.from(`{${member},"n":"`), Uint8Array.from(bytes), Buffer.from('"}')]);
  }
});

describe("duplicate members (J-01)", () => {
  test("of the header have the value of the last one, even if names are escaped", () => {
    const { algorithm } = parseCompactJws(write({ header: '{"alg":"none","\\u0061lg":"HS256","alg":"ES256"}' }));
    expect(algorithm).toBe("ES256");
  });

  test("of the claims have the value of the last one", () => {
    const { unverifiedClaims } = parseCompactJws(write({ payload: '{"sub":"admin","sub":"me"}' }));
    expect(unverifiedClaims).toEqual({ sub: "me" });
  });
});

describe("members with names from Object.prototype (P-01)", () => {
  test("are ordinary claims", () => {
    const { unverifiedClaims } = parseCompactJws(write({ payload: '{"__proto__":{"cnf":{}},"toString":1}' }));
    expect(Object.keys(unverifiedClaims)).toEqual(["__proto__", "toString"]);
    expect("cnf" in unverifiedClaims).toBe(false);
  });

  test("do not set alg, kid or typ of the header", () => {
    expect(shape(write({ header: '{"__proto__":{"alg":"ES256"}}' }))).toBe("ERR_TOKEN_ALGORITHM");
    const parsed = parseCompactJws(write({ header: '{"alg":"ES256","__proto__":{"kid":"k","typ":"at+jwt"}}' }));
    expect(parsed).toMatchObject({ keyId: undefined, type: undefined });
  });
});

describe("members of a polluted Object.prototype (P-01)", () => {
  const polluted = { alg: "ES256", kid: "k1", typ: "at+jwt", crit: ["exp"], b64: false };

  beforeEach(() => {
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true });
    }
  });

  afterEach(() => {
    for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
  });

  test("are ignored", () => {
    expect(shape(write({ header: "{}" }))).toBe("ERR_TOKEN_ALGORITHM");
    expect(parseCompactJws(write({ header: '{"alg":"RS256"}' }))).toMatchObject({
      algorithm: "RS256",
      keyId: undefined,
      type: undefined,
    });
  });
});

describe("crit and b64 (H-01, H-02)", () => {
  test.each(['["exp"]', '["b64"]', "[]", "null", "false", '""', "{}"])("rejects the crit %s", (crit) => {
    expect(withHeader(`"crit":${crit}`)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("ignores names that only resemble crit", () => {
    expect(withHeader('"Crit":["exp"],"critical":["exp"]')).toBe("accepted");
  });

  test.each(['"b64":false,"crit":["b64"]', '"b64":false'])("rejects a payload that is not encoded: %s", (members) => {
    expect(withHeader(members)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("accepts b64: true, the default", () => {
    expect(withHeader('"b64":true')).toBe("accepted");
  });
});

describe("alg (C-05)", () => {
  test.each(["ES256", "es256", "none", "noNE", "ES256 ", "ES256\0", "", "__proto__"])("%j is read verbatim", (alg) => {
    expect(parseCompactJws(write({ header: JSON.stringify({ alg }) })).algorithm).toBe(alg);
  });

  test("is compared after unescaping (RFC 7515 section 10.13)", () => {
    expect(parseCompactJws(write({ header: '{"alg":"\\u0045S256"}' })).algorithm).toBe("ES256");
  });

  test.each(["{}", '{"alg":null}', '{"alg":256}', '{"alg":["ES256"]}', '{"alg":{"a":1}}', '{"ALG":"ES256"}'])(
    "is rejected in the header %s",
    (json) => {
      expect(shape(write({ header: json }))).toBe("ERR_TOKEN_ALGORITHM");
    },
  );

  test("is checked after the format of the whole token", () => {
    expect(shape(write({ header: "{}", payload: "[]" }))).toBe("ERR_TOKEN_MALFORMED");
    expect(shape(write({ header: "{}" }, "="))).toBe("ERR_TOKEN_MALFORMED");
    expect(shape(write({ header: '{"kid":1}' }))).toBe("ERR_TOKEN_MALFORMED");
  });
});

describe("kid (K-03)", () => {
  test.each(["K1", "", "../../etc/passwd", "' OR 1=1 --", "a\r\nb", "__proto__", "constructor"])(
    "%j is read verbatim",
    (kid) => {
      expect(parseCompactJws(write({ header: JSON.stringify({ alg: "ES256", kid }) })).keyId).toBe(kid);
    },
  );

  test.each(["1", "null", "true", '["k1"]', '{"k":1}'])("is rejected as %s", (kid) => {
    expect(withHeader(`"kid":${kid}`)).toBe("ERR_TOKEN_MALFORMED");
  });
});

describe("size (D-01, D-02, D-05)", () => {
  const longest = (extra: number): string => {
    const start = write({ payload: '{"iss":"a"}' }, "");
    return start + "A".repeat(MAX_TOKEN_LENGTH + extra - start.length);
  };

  test("is limited to 16 KiB", () => {
    expect(MAX_TOKEN_LENGTH).toBe(16_384);
    expect(longest(0)).toHaveLength(16_384);
    expect(shape(longest(0))).toBe("accepted");
  });

  test.each([1, 4])("rejects a token that is %i longer", (extra) => {
    const { code, detail } = rejection(() => parseCompactJws(longest(extra)));
    expect(code).toBe("ERR_TOKEN_MALFORMED");
    expect(detail).toMatch(/longer than 16384/);
  });

  test.each([
    ["periods", ".".repeat(MAX_TOKEN_LENGTH)],
    ["millions of periods", ".".repeat(5_000_000)],
    ["letters", "A".repeat(MAX_TOKEN_LENGTH)],
    ["letters with an invalid end", write({}, `${"A".repeat(16_000)}=`)],
    ["millions of letters", "A".repeat(5_000_000)],
    ["a payload of opening brackets", write({ payload: "[".repeat(12_000) })],
  ])("rejects %s at once", (_, token) => {
    expect(shape(token)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("does not limit the nesting of JSON", () => {
    expect(shape(write({ payload: `{"a":${"[".repeat(6000)}${"]".repeat(6000)}}` }, "AAAA"))).toBe("accepted");
  });
});

describe("a rejection", () => {
  test.each([
    ["text that is not JSON", write({ payload: "topsecret" })],
    ["an unfinished claim", write({ payload: '{"sub":"topsecret"' })],
    ["bytes that are not UTF-8", write({ payload: Buffer.from('{"topsecret":"ü"}', "latin1") })],
    ["a key id that is not a string", write({ header: '{"alg":"ES256","kid":["topsecret"]}' })],
    ["an algorithm that is not a string", write({ header: '{"alg":["topsecret"]}' })],
    ["an opaque token", "topsecret"],
    ["a signature with blanks", write({}, "top secret topsecret")],
  ])("of %s does not contain the input", (_, token) => {
    const error = rejection(() => parseCompactJws(token));
    expect(error.detail).toBeTypeOf("string");
    expect(error.cause).toBeUndefined();
    expect(`${error.message} ${error.detail} ${error.stack}`).not.toMatch(/topsecret/);
  });
});

describe("parseJsonObject", () => {
  test("parses bytes as an object", () => {
    expect(parseJsonObject(Buffer.from('{"a":"ü"}'), "payload")).toEqual({ a: "ü" });
  });

  test.each(["header", "payload"] as const)("names the %s if it is not an object", (part) => {
    const error = rejection(() => parseJsonObject(Buffer.from("[]"), part));
    expect(error.code).toBe("ERR_TOKEN_MALFORMED");
    expect(error.detail).toContain(part);
  });
});

const claims = fc.dictionary(fc.string(), fc.jsonValue());
const bytes = fc.uint8Array({ maxLength: 80 });
const base64urlText = fc.stringMatching(/^[\w-]{0,12}$/);

describe("any text", () => {
  fuzz.prop([fc.string(), fc.option(fc.string(), { nil: undefined }), fc.jsonValue(), claims, bytes])(
    "in a well-formed token is parsed unchanged",
    (alg, kid, typ, payloadClaims, signature) => {
      const token = write(
        { header: JSON.stringify({ alg, kid, typ }), payload: JSON.stringify(payloadClaims) },
        encode(signature),
      );
      const parsed = parseCompactJws(token);
      expect(parsed).toMatchObject({ token, algorithm: alg, keyId: kid });
      expect(JSON.stringify(parsed.type)).toBe(JSON.stringify(typ));
      expect(JSON.stringify(parsed.unverifiedClaims)).toBe(JSON.stringify(payloadClaims));
    },
  );

  fuzz.prop([fc.nat(200), fc.constantFrom("insert", "replace", "remove"), fc.string({ maxLength: 1 })])(
    "that differs from a token in one character is rejected, or is canonical as well",
    (position, change, character) => {
      const whole = write();
      const at = position % (whole.length + 1);
      const changed =
        whole.slice(0, at) + (change === "remove" ? "" : character) + whole.slice(change === "insert" ? at : at + 1);
      expectCanonicalOrRejected(changed);
    },
  );

  fuzz.prop([base64urlText, base64urlText, base64urlText], { numRuns: 1000 })(
    "with three base64url parts is rejected, or is canonical",
    (one, two, three) => {
      expectCanonicalOrRejected(`${encode(header)}.${two}.${three}`);
      expectCanonicalOrRejected(`${one}.${encode(payload)}.${three}`);
      expectCanonicalOrRejected(`${encode(header)}.${encode(payload)}.${three}`);
    },
  );

  fuzz.prop([
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.string(), { maxLength: 7 }).map((all) => all.join(".")),
    ),
  ])("is parsed, or rejected with an AccessTokenError", (token) => {
    expectCanonicalOrRejected(token);
  });

  fuzz.prop([fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 })])(
    "that encodes any bytes is parsed, or rejected with an AccessTokenError",
    (one, two) => {
      expectCanonicalOrRejected(write({ header: one }));
      expectCanonicalOrRejected(write({ payload: two }));
    },
  );
});

/** Expects an accepted token to be canonical, and a rejected one to have a code of this check. */
function expectCanonicalOrRejected(token: string): void {
  const result = shape(token);
  if (result !== "accepted") {
    expect(["ERR_TOKEN_MALFORMED", "ERR_TOKEN_ALGORITHM"]).toContain(result);
    return;
  }
  const encoded = token.split(".");
  expect(encoded).toHaveLength(3);
  expect(encoded.map((part) => encode(Buffer.from(part, "base64url")))).toEqual(encoded);
}

describe("claimedIssuer", () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

  test.each<[string, string, unknown]>([
    ["the iss of a token", `${part({})}.${part({ iss: "a" })}.x`, "a"],
    ["the iss of a token with other invalid parts", `.${part({ iss: ["a"] })}.`, ["a"]],
    ["undefined from a token without iss", `${part({})}.${part({})}.x`, undefined],
    ["undefined from a payload that is not JSON", "a.a.a", undefined],
    ["undefined from a text without parts", "opaque", undefined],
    ["undefined from a token that is too long", `.${part({ iss: "a" })}.${"x".repeat(16_384)}`, undefined],
  ])("returns %s", (_name, token, iss) => {
    expect(claimedIssuer(token)).toEqual(iss);
  });
});
