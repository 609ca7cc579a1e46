import { describe, expect, test } from "vitest";
import { deepFreeze, isJsonObject, ownMember } from "../../src/values/json-object.ts";

/** Parses JSON, because an object literal cannot have an own member `__proto__`. */
function parse(json: string): Readonly<Record<string, unknown>> {
  return JSON.parse(json) as Record<string, unknown>;
}

describe("isJsonObject", () => {
  test.each(["{}", '{"a":[]}', '{"__proto__":null}'])("accepts %s", (json) => {
    expect(isJsonObject(parse(json))).toBe(true);
  });

  test.each(["null", "[]", "[{}]", '"{}"', "1", "true"])("rejects %s", (json) => {
    expect(isJsonObject(parse(json))).toBe(false);
  });

  test("rejects undefined and functions", () => {
    expect(isJsonObject(undefined)).toBe(false);
    expect(isJsonObject(() => ({}))).toBe(false);
  });
});

describe("ownMember", () => {
  test.each([
    ['{"iss":"https://a.example"}', "iss", "https://a.example"],
    ['{"exp":0}', "exp", 0],
    ['{"cnf":null}', "cnf", null],
    ['{"constructor":"mine"}', "constructor", "mine"],
    ['{"__proto__":"mine"}', "__proto__", "mine"],
    ['{"a":1,"a":2}', "a", 2],
  ])("reads from %s the member %s", (json, name, value) => {
    expect(ownMember(parse(json), name)).toEqual(value);
  });

  test.each(["iss", "toString", "constructor", "hasOwnProperty", "__proto__"])(
    "returns undefined for %s in {}",
    (name) => {
      expect(ownMember({}, name)).toBeUndefined();
    },
  );

  test("ignores members of an own __proto__", () => {
    expect(ownMember(parse('{"__proto__":{"scope":"admin"}}'), "scope")).toBeUndefined();
  });

  test("ignores members of a prototype", () => {
    expect(ownMember(Object.create({ cnf: {} }) as Record<string, unknown>, "cnf")).toBeUndefined();
  });
});

describe("deepFreeze", () => {
  test("freezes objects and arrays at every depth and returns the same value", () => {
    const value = { cnf: { "x5t#S256": "a" }, aud: ["b", { c: [1] }] };
    expect(deepFreeze(value)).toBe(value);
    for (const part of [value, value.cnf, value.aud, value.aud[1], (value.aud[1] as { c: number[] }).c]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test("freezes the value of an own __proto__", () => {
    const value = parse('{"__proto__":{"a":1}}');
    deepFreeze(value);
    expect(Object.isFrozen(ownMember(value, "__proto__"))).toBe(true);
    expect(Object.isFrozen(Object.prototype)).toBe(false);
  });

  test.each([null, "a", 1, undefined, true])("returns %j unchanged", (value) => {
    expect(deepFreeze(value)).toBe(value);
  });

  test("freezes a value as deeply nested as the longest token allows", () => {
    const depth = 20_000;
    const value: unknown = JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect(Object.isFrozen(deepFreeze(value))).toBe(true);
  });
});
