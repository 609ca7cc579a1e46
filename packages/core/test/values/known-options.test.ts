import { describe, expect, test } from "vitest";
import {
  callback,
  knownOptions,
  nonEmptyList,
  nonEmptyString,
  type OptionRule,
  type OptionRules,
  seconds,
} from "../../src/values/known-options.ts";

interface Options {
  readonly realm?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

const rules: OptionRules<Options> = { realm: nonEmptyString, scopes: nonEmptyList(nonEmptyString) };

function parse(options: unknown, undefinedOption: "not-given" | "rejected" = "not-given"): Options {
  return knownOptions<Options>("the options", options, rules, undefinedOption);
}

describe("knownOptions", () => {
  test("copies the options", () => {
    const options = { realm: "api", scopes: ["read"] };
    expect({ ...parse(options) }).toEqual(options);
    expect(parse(options)).not.toBe(options);
  });

  test("accepts an empty object", () => {
    expect(Object.keys(parse({}))).toEqual([]);
  });

  test.each([
    ["unknown", { color: "red" }, /unknown option "color" in the options; known options: realm, scopes/],
    ["misspelled", { Realm: "api" }, /unknown option "Realm"/],
    ["unknown and undefined", { color: undefined }, /unknown option "color"/],
    ["named like a member of every object", { toString: "api" }, /unknown option "toString"/],
    ["named __proto__", JSON.parse('{ "__proto__": { "realm": "api" } }'), /unknown option "__proto__"/],
    ["ill-typed", { realm: 1 }, /option "realm" in the options must be a non-empty string/],
    ["null", { realm: null }, /option "realm"/],
    [
      "ill-typed next to a valid one",
      { realm: "api", scopes: [] },
      /option "scopes" in the options must be a non-empty/,
    ],
  ])("names an option that is %s", (_, options: unknown, message) => {
    expect(() => parse(options)).toThrow(TypeError);
    expect(() => parse(options)).toThrow(message);
  });

  test("treats undefined as not given in a configuration", () => {
    const parsed = parse({ realm: undefined, scopes: ["read"] });
    expect(Object.keys(parsed)).toEqual(["scopes"]);
  });

  test("rejects undefined where it would drop a requirement", () => {
    expect(() => parse({ realm: undefined, scopes: ["read"] }, "rejected")).toThrow(/option "realm"/);
    expect({ ...parse({ scopes: ["read"] }, "rejected") }).toEqual({ scopes: ["read"] });
  });

  test.each([undefined, null, "api", 1, true, [], [{ realm: "api" }], () => ({ realm: "api" })])(
    "rejects %j instead of an object",
    (options) => {
      expect(() => parse(options)).toThrow(TypeError);
      expect(() => parse(options)).toThrow("the options must be an object");
    },
  );

  test("ignores members of a prototype", () => {
    expect(parse(Object.create({ realm: "inherited" })).realm).toBeUndefined();
    expect(parse({ realm: "own" }).realm).toBe("own");
  });

  test("returns a copy without a prototype, which later changes do not affect", () => {
    const options = { realm: "api" };
    const parsed = parse(options);
    options.realm = "changed";
    expect(parsed.realm).toBe("api");
    expect(Object.getPrototypeOf(parsed)).toBeNull();
  });

  test("copies lists, which later changes do not affect", () => {
    const options = { scopes: ["read", "write"] };
    const parsed = parse(options);
    options.scopes.length = 0;
    expect(parsed.scopes).toEqual(["read", "write"]);
    expect(Object.isFrozen(parsed.scopes)).toBe(true);
  });

  test("reads each option once", () => {
    let reads = 0;
    const options = {
      get realm() {
        reads += 1;
        return reads === 1 ? "api" : 'a"b';
      },
    };
    expect(parse(options).realm).toBe("api");
  });
});

const noOp = (): void => undefined;

/** A sparse array, for which every() always returns true. */
const holes: unknown[] = [];
holes.length = 2;

describe.each<[string, OptionRule, readonly unknown[], readonly unknown[]]>([
  ["nonEmptyString", nonEmptyString, ["a", " "], ["", undefined, null, 1, ["a"], new String("a")]],
  ["callback", callback, [noOp, async () => undefined, Date], [undefined, null, {}, "() => 1"]],
  [
    "nonEmptyList of non-empty strings",
    nonEmptyList(nonEmptyString),
    [["a"], ["a", "b"]],
    [[], [""], ["a", ""], ["a", undefined], ["a", 1], "a", { 0: "a", length: 1 }, new Set(["a"]), null, holes],
  ],
  [
    "seconds from 1 to 300",
    seconds(1, 300),
    [1, 1.5, 300],
    [0, 0.99, 300.01, -1, Number.NaN, Number.POSITIVE_INFINITY, "5", 5n, null, undefined, new Date(5)],
  ],
  ["seconds from 0", seconds(0), [0, Number.MAX_SAFE_INTEGER], [-0.01, Number.POSITIVE_INFINITY, Number.NaN]],
])("the rule %s", (_, rule, accepted, rejected) => {
  test.each(accepted.map((value) => [value]))("accepts %o", (value) => {
    expect(rule.accepts(value)).toBe(true);
  });

  test.each(rejected.map((value) => [value]))("rejects %o", (value) => {
    expect(rule.accepts(value)).toBe(false);
  });
});

describe("the expectation of a rule", () => {
  test.each([
    [nonEmptyList(nonEmptyString), "a non-empty array, each item a non-empty string"],
    [seconds(0), "a number of seconds, at least 0"],
    [seconds(0, 300), "a number of seconds, at least 0 and at most 300"],
  ])("is a complete description: %#", ({ expected }, sentence) => {
    expect(expected).toBe(sentence);
  });
});
