import { describe, expect, test } from "vitest";
import {
  encodedFormat,
  encodingRule,
  firstOf,
  headerFormat,
  requiringSecret,
  type UnstrippedOptions,
  verification,
  verifiedFormat,
} from "../../src/proxy/define-format.ts";
import { decoders } from "../../src/proxy/encodings.ts";

const rule = {
  header: "x-verify",
  success: "yes",
  presented: (value: string) => value === "yes" || value === "no",
};

describe("headerFormat", () => {
  const definition = { header: "x-cert", encoding: "rfc9440" } as const;

  test("has the header and the decoder of its definition", () => {
    expect(headerFormat({}, definition)).toEqual({ header: "x-cert", decode: decoders.rfc9440 });
  });

  test("renames the header", () => {
    expect(headerFormat({ header: "X-Own" }, definition).header).toBe("X-Own");
    expect(headerFormat({ header: undefined }, definition).header).toBe("x-cert");
  });

  test("returns a frozen format", () => {
    expect(Object.isFrozen(headerFormat({}, definition))).toBe(true);
  });

  test.each([{ header: "" }, { header: 1 }, { headers: "x-own" }, { verify: "presented" }, [], null])(
    "rejects the options %j",
    (options) => {
      expect(() => headerFormat(options as object, definition)).toThrow(TypeError);
    },
  );
});

describe("verifiedFormat", () => {
  const definition = { header: "x-cert", encoding: "rfc9440", verify: rule } as const;

  test("requires success by default", () => {
    const verify = { header: "x-verify", success: "yes", provesChain: true };
    const strict = { header: "x-cert", decode: decoders.rfc9440, verify };
    expect(verifiedFormat({}, definition)).toEqual(strict);
    expect(verifiedFormat({ verify: "success" }, definition)).toEqual(strict);
    expect(verifiedFormat({ verify: undefined, verifyHeader: undefined }, definition)).toEqual(strict);
  });

  test("accepts any presented certificate with verify: presented", () => {
    const format = verifiedFormat({ verify: "presented" }, definition);
    expect(format.verify).toEqual({ header: "x-verify", success: rule.presented });
  });

  test("renames both headers", () => {
    const format = verifiedFormat({ header: "X-Own", verifyHeader: "X-Own-Verify" }, definition);
    expect(format).toMatchObject({ header: "X-Own", verify: { header: "X-Own-Verify", success: "yes" } });
  });

  test.each([
    { verify: "none" },
    { verify: false },
    { verify: null },
    { verify: ["success"] },
    { verifyHeader: "" },
    { verifyHeader: null },
  ])("rejects the invalid options %j", (options) => {
    expect(() => verifiedFormat(options as object, definition)).toThrow(TypeError);
  });
});

describe("verification", () => {
  test.each([
    ["the default", {}, { header: "x-verify", success: "yes", provesChain: true }],
    ["an explicit success", { verify: "success" }, { header: "x-verify", success: "yes", provesChain: true }],
    ["presented", { verify: "presented" }, { header: "x-verify", success: rule.presented }],
    ["another header", { verifyHeader: "x-own" }, { header: "x-own", success: "yes", provesChain: true }],
  ] as const)("returns the verify header for %s", (_, options, verifyHeader) => {
    expect(verification(options, rule)).toEqual(verifyHeader);
  });
});

describe("encodedFormat", () => {
  const headers = { "sha256-hex": "x-hash", rfc9440: "x-cert" } as const;

  test("uses the first encoding by default", () => {
    expect(firstOf(headers)).toBe("sha256-hex");
    expect(encodedFormat({}, headers)).toEqual({ header: "x-hash", decode: decoders["sha256-hex"] });
  });

  test("uses the header and the decoder of the chosen encoding", () => {
    expect(encodedFormat({ encoding: "rfc9440" }, headers)).toEqual({ header: "x-cert", decode: decoders.rfc9440 });
    expect(encodedFormat({ encoding: "rfc9440", header: "x-own" }, headers).header).toBe("x-own");
  });

  test.each(["der-base64", "toString", "__proto__", "", "SHA256-HEX", 1, null, ["rfc9440"], new String("rfc9440")])(
    "rejects the encoding %j",
    (encoding) => {
      expect(() => encodedFormat({ encoding } as object, headers)).toThrow(TypeError);
      expect(() => encodedFormat({ encoding } as object, headers)).toThrow("one of sha256-hex, rfc9440");
      expect(encodingRule(headers).encoding.accepts(encoding)).toBe(false);
    },
  );
});

describe("requiringSecret", () => {
  const define = (rest: object) => headerFormat(rest, { header: "x-cert", encoding: "rfc9440" });

  test("requires the secret unless dangerouslyAssumeHeaderStripped is set", () => {
    expect(requiringSecret({}, define)).toMatchObject({ header: "x-cert", demandsSecret: true });
    expect(requiringSecret({ dangerouslyAssumeHeaderStripped: undefined }, define).demandsSecret).toBe(true);
    expect(requiringSecret({ dangerouslyAssumeHeaderStripped: true }, define).demandsSecret).toBe(false);
  });

  test.each([false, null, 0, 1, "", "true", {}, []])("rejects a dangerouslyAssumeHeaderStripped of %j", (value) => {
    const options = { dangerouslyAssumeHeaderStripped: value } as unknown as UnstrippedOptions;
    expect(() => requiringSecret(options, define)).toThrow(TypeError);
    expect(() => requiringSecret(options, define)).toThrow("dangerouslyAssumeHeaderStripped");
  });

  test.each([null, undefined, 1, true, "true", [], { dangerouslyAssumeHeadersStripped: true }])(
    "rejects the options %j",
    (options) => {
      expect(() => requiringSecret(options as UnstrippedOptions, define)).toThrow(TypeError);
    },
  );

  test("returns a frozen format", () => {
    expect(Object.isFrozen(requiringSecret({}, define))).toBe(true);
  });
});
