import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../../src/errors.ts";
import { parseXfcc } from "../../src/proxy/xfcc.ts";

fc.configureGlobal({ seed: 1989 });

const MALFORMED = "ERR_CERTIFICATE_MALFORMED";

type Plain = Readonly<Record<string, readonly string[]>>;

/** Returns the elements as objects, or the rejection; throws any other error. */
function parsed(value: string): readonly Plain[] | AccessTokenError {
  try {
    return parseXfcc(value).map((element) => Object.fromEntries(element));
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

describe("parseXfcc", () => {
  test.each<[string, string, readonly Plain[]]>([
    ["one pair", "Hash=a0", [{ hash: ["a0"] }]],
    [
      "several pairs",
      "By=spiffe://a;Hash=a0;URI=spiffe://b",
      [{ by: ["spiffe://a"], hash: ["a0"], uri: ["spiffe://b"] }],
    ],
    ["a quoted value", 'Hash="a0"', [{ hash: ["a0"] }]],
    ["a quoted value with separators", 'Subject="CN=a,O=b;c";Hash=a0', [{ subject: ["CN=a,O=b;c"], hash: ["a0"] }]],
    [
      "a quoted value that looks like pairs",
      'Subject=";Hash=b1,Hash=b2";Hash=a0',
      [{ subject: [";Hash=b1,Hash=b2"], hash: ["a0"] }],
    ],
    ["escaped quotes", 'Subject="CN=\\"a\\"";Hash=a0', [{ subject: ['CN="a"'], hash: ["a0"] }]],
    [
      "an escaped quote before a separator",
      'Subject="a\\";Hash=b1";Hash=a0',
      [{ subject: ['a";Hash=b1'], hash: ["a0"] }],
    ],
    ["an escaped backslash", 'Subject="a\\\\";Hash=a0', [{ subject: ["a\\"], hash: ["a0"] }]],
    ["an escaped letter", 'Subject="\\a\\,"', [{ subject: ["a,"] }]],
    ["a backslash without quotes", "URI=a\\b;Hash=a0", [{ uri: ["a\\b"], hash: ["a0"] }]],
    ["an empty value", "URI=;Hash=a0", [{ uri: [""], hash: ["a0"] }]],
    ["an empty value at the end", "Hash=a0;URI=", [{ hash: ["a0"], uri: [""] }]],
    ["an empty quoted value", 'Subject="";Hash=a0', [{ subject: [""], hash: ["a0"] }]],
    ["an equals sign in a value", "URI=https://a?b=c;Hash=a0", [{ uri: ["https://a?b=c"], hash: ["a0"] }]],
    ["blanks in a value", "URI= a b ", [{ uri: [" a b "] }]],
    ["a key several times", "DNS=a;DNS=b;Hash=a0;Hash=b1", [{ dns: ["a", "b"], hash: ["a0", "b1"] }]],
    ["keys in any letter case", "HASH=a0;hash=b1;hAsH=c2", [{ hash: ["a0", "b1", "c2"] }]],
    ["two elements", "Hash=a0,Hash=b1", [{ hash: ["a0"] }, { hash: ["b1"] }]],
    [
      "three elements",
      'Hash=a0;URI=,Subject=",",Chain=x',
      [{ hash: ["a0"], uri: [""] }, { subject: [","] }, { chain: ["x"] }],
    ],
    [
      "every key",
      "By=1;Hash=2;Cert=3;Chain=4;Subject=5;URI=6;DNS=7",
      [{ by: ["1"], hash: ["2"], cert: ["3"], chain: ["4"], subject: ["5"], uri: ["6"], dns: ["7"] }],
    ],
  ])("reads %s", (_, value, elements) => {
    expect(parsed(value)).toEqual(elements);
  });

  test.each([
    ["an empty string", ""],
    ["a blank", " "],
    ["a separator", ";"],
    ["a comma", ","],
    ["an equals sign", "="],
    ["a pair without a key", "=a0"],
    ["a key without a value", "Hash"],
    ["a semicolon at the end", "Hash=a0;"],
    ["a comma at the end", "Hash=a0,"],
    ["a semicolon at the start", ";Hash=a0"],
    ["an empty pair", "Hash=a0;;URI=b"],
    ["an empty element", "Hash=a0,,Hash=b1"],
    ["a blank after a semicolon", "Hash=a0; URI=b"],
    ["a blank after a comma, as Node joins headers", "Hash=a0, Hash=b1"],
    ["a blank before the equals sign", "Hash =a0"],
    ["a blank at the start", " Hash=a0"],
    ["a quote that is not closed", 'Subject="CN=a;Hash=a0'],
    ["a quote that is only followed by an escaped quote", 'Subject="CN=a\\"'],
    ["a quote alone", 'Subject="'],
    ["text after a closing quote", 'Subject="CN=a"b;Hash=a0'],
    ["a second quoted value", 'Subject="a""b"'],
    ["a quote in an unquoted value", 'URI=a"b;Hash=a0'],
    ["a quote at the end of an unquoted value", 'URI=a";Hash=a0'],
    ["an unknown key", "Hash=a0;Name=b"],
    ["an unknown key in quotes", 'Hash=a0;Issuer="b"'],
    ["a key of digits", "Hash=a0;1=b"],
    ["a key with a hyphen", "Cert-Hash=a0"],
    ["a key in quotes", '"Hash"=a0'],
    ["a member of Object.prototype", "Hash=a0;constructor=b"],
    ["__proto__", "Hash=a0;__proto__=b"],
    ["base64, which Cloud Foundry sends in the same header", "MIICJDCCAcqgAwIBAgIU"],
    ["escaped PEM without a key", "-----BEGIN%20CERTIFICATE-----%0AMIIC"],
  ])("rejects %s", (_, value) => {
    expect(parsed(value)).toMatchObject({ code: MALFORMED });
  });

  test("names the reason in the detail", () => {
    expect(parsed("MIICJDCCAcqgAwIBAgIU")).toMatchObject({ detail: expect.stringMatching(/base64 DER/) });
    expect(parsed("-----BEGIN%20CERT")).toMatchObject({ detail: expect.stringMatching(/escaped PEM/) });
    expect(parsed("Hash=a0;Name=b")).toMatchObject({ detail: expect.stringMatching(/key that is not an XFCC key/) });
  });
});

/** Serializes a pair as Envoy does: quotes Subject, Cert and Chain, and writes the others unchanged. */
function pair(key: string, value: string): string {
  const quoted = ["Subject", "Cert", "Chain"].includes(key);
  return quoted ? `${key}="${value.replaceAll(/["\\]/g, "\\$&")}"` : `${key}=${value}`;
}

const keys = ["By", "Hash", "Cert", "Chain", "Subject", "URI", "DNS"] as const;
const plainText = fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[",;]/g, ""));
const anyPair = fc.oneof(
  fc.tuple(fc.constantFrom("Cert", "Chain", "Subject"), fc.string({ maxLength: 20 })),
  fc.tuple(fc.constantFrom("By", "Hash", "URI", "DNS"), plainText),
);

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc
    .array(fc.constantFrom(...keys, "=", ";", ",", '"', "\\", "a0", " ", "%"), { maxLength: 60 })
    .map((parts) => parts.join("")),
);

describe("any value", () => {
  fuzz.prop([fc.array(fc.array(anyPair, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })])(
    "that Envoy writes is parsed to the same pairs",
    (elements) => {
      const value = elements.map((pairs) => pairs.map(([key, text]) => pair(key, text)).join(";")).join(",");
      const read = parsed(value);
      expect(read).toEqual(
        elements.map((pairs) => {
          const expected: Record<string, string[]> = {};
          for (const [key, text] of pairs) (expected[key.toLowerCase()] ??= []).push(text);
          return expected;
        }),
      );
    },
  );

  fuzz.prop([anyText], { numRuns: 500 })("is parsed, or rejected as malformed without being quoted", (text) => {
    const result = parsed(text);
    if (!(result instanceof AccessTokenError)) return;
    expect(result.code).toBe(MALFORMED);
    if (text.trim().length > 8) expect(`${result.message} ${result.detail}`).not.toContain(text.trim());
  });

  fuzz.prop([anyText], { numRuns: 500 })("that is parsed consists of pairs only", (text) => {
    const result = parsed(text);
    if (result instanceof AccessTokenError) return;
    const pairs = result.flatMap((element) => Object.values(element).flat()).length;
    const separators = text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, "").replaceAll(/[^,;]/g, "").length;
    expect(pairs).toBe(separators + 1);
  });

  // Quadratic time would take minutes.
  test("of 64 KiB is parsed or rejected in linear time", { timeout: 2_000 }, () => {
    const parts = [
      ";by=",
      ",by=",
      'by="',
      '\\"',
      "\\\\",
      '"',
      "=",
      ";",
      ",",
      "a",
      'Subject="a";',
      "Hash=a0,",
      "URI=;",
      " ",
    ];
    for (const part of parts) {
      const text = part.repeat(Math.ceil(65_536 / part.length));
      for (const value of [text, `By=${text}`, `Subject="${text}`, `Subject="${text}"`, `By=a${text}`, `${text}"`]) {
        const result = parsed(value);
        expect(result instanceof AccessTokenError ? result.code : MALFORMED).toBe(MALFORMED);
      }
    }
  });
});

test("parseXfcc rejects an element within a quoted value that a client opened", () => {
  const [victim, attacker] = ["a".repeat(64), "b".repeat(64)];
  for (const key of ["Subject", "By", "Cert", "URI"]) {
    const forged = (hash: string): string => `Hash=${victim};${key}=", By=spiffe://api;Hash=${hash};URI=spiffe://x"`;
    expect(parsed(forged(attacker))).toMatchObject({ code: MALFORMED });
    expect(parsed(forged(attacker.toUpperCase()))).toMatchObject({ code: MALFORMED });
    // This is not an element, because the hash of an element has 64 hexadecimal digits.
    expect(parsed(forged("b1"))).toHaveLength(1);
  }
});
