import { describe, expect, test } from "vitest";
import { createResponseCache, isActive } from "../../../src/issuer/introspection/response-cache.ts";
import { withPollutedPrototype } from "../../support/polluted-prototype.ts";

const hour = 3_600_000;
const active = { active: true, sub: "user-1" };
const inactive = { active: false };

/** A memory whose time stands still until the test moves it. */
function arrange(): ReturnType<typeof createResponseCache> & { readonly pass: (milliseconds: number) => void } {
  let time = 1_000_000;
  return {
    ...createResponseCache(() => time),
    pass: (milliseconds) => {
      time += milliseconds;
    },
  };
}

describe("the memory of answers", () => {
  test("gives what was cached of this token, and nothing of another one", () => {
    const { find, store } = arrange();
    store("one", active, hour);
    store("other", inactive, hour);
    expect([find("one"), find("other"), find("third")]).toEqual([active, "inactive", undefined]);
  });

  test.each([1, 250, 0.5, 30_000, hour])("gives an answer for the %d ms that it is told, and no longer", (time) => {
    const { find, store, pass } = arrange();
    store("token", active, time);
    pass(time - 0.1);
    expect(find("token")).toBe(active);
    pass(0.2);
    expect(find("token")).toBeUndefined();
  });

  test.each([0, -1, -hour, Number.NEGATIVE_INFINITY])("caches nothing for %d ms", (time) => {
    const { find, store } = arrange();
    store("token", active, time);
    store("other", inactive, time);
    expect([find("token"), find("other")]).toEqual([undefined, undefined]);
  });

  test.each([
    [hour, 10_000],
    [10_001, 10_000],
    [10_000, 10_000],
    [9000, 9000],
    [1, 1],
  ])("caches for %d ms that a token is not active as %d ms", (told, time) => {
    const { find, store, pass } = arrange();
    store("token", inactive, told);
    pass(time - 0.1);
    expect(find("token")).toBe("inactive");
    pass(0.2);
    expect(find("token")).toBeUndefined();
  });

  test("caches no answer that is nested deeper than can be written, which depends on the version of Node.js", () => {
    const { find, store } = arrange();
    const nested = (depth: number) => {
      const response = { ...active, deep: [] as unknown };
      for (let index = 0; index < depth; index += 1) response.deep = [response.deep];
      return response;
    };
    for (const depth of [100, 100_000]) {
      const response = nested(depth);
      store("token", response, hour);
      expect(find("token") === response).toBe(canBeWritten(response));
    }
    expect(canBeWritten(nested(100))).toBe(true);
  });

  test("gives the newer answer, and for the time of the newer one", () => {
    const { find, store, pass } = arrange();
    store("token", active, hour);
    const newer = { active: true, sub: "user-2" };
    store("token", newer, 1000);
    expect(find("token")).toBe(newer);
    pass(1001);
    expect(find("token")).toBeUndefined();
  });
});

describe("a flood", () => {
  test("of inactive tokens drives no good answer out", () => {
    const { find, store } = arrange();
    store("good", active, hour);
    for (let index = 0; index < 50_000; index += 1) store(`bad-${index}`, inactive, hour);
    expect(find("good")).toBe(active);
  });

  test("of inactive tokens is forgotten but for the last 10 000", () => {
    const { find, store } = arrange();
    for (let index = 0; index < 10_001; index += 1) store(`bad-${index}`, inactive, hour);
    expect([find("bad-0"), find("bad-1"), find("bad-10000")]).toEqual([undefined, "inactive", "inactive"]);
  });

  test("of active tokens is forgotten but for 10 000, of which the last used ones stay", () => {
    const { find, store } = arrange();
    for (let index = 0; index < 10_000; index += 1) store(`token-${index}`, active, hour);
    find("token-0");
    store("token-10000", active, hour);
    expect([find("token-0"), find("token-1"), find("token-2")]).toEqual([active, undefined, active]);
  });

  test("of long answers is forgotten but for 16 Mi characters", () => {
    const { find, store } = arrange();
    const long = { active: true, text: "x".repeat(1024 * 1024 - 100) };
    for (let index = 0; index < 17; index += 1) store(`token-${index}`, long, hour);
    expect([find("token-0"), find("token-1"), find("token-16")]).toEqual([undefined, long, long]);
  });

  test("of active tokens drives no knowledge of inactive ones out", () => {
    const { find, store } = arrange();
    store("bad", inactive, hour);
    for (let index = 0; index < 20_000; index += 1) store(`good-${index}`, active, hour);
    expect(find("bad")).toBe("inactive");
  });
});

describe("isActive", () => {
  test("is true for the boolean", () => {
    expect(isActive({ active: true })).toBe(true);
  });

  test.each([false, "true", 1, {}, [true], null, undefined])("is false for %j", (value) => {
    expect(isActive({ active: value })).toBe(false);
  });

  test("is false for an inherited member", () => {
    expect(isActive({})).toBe(false);
    expect(withPollutedPrototype("active", true, () => isActive({}))).toBe(false);
  });
});

function canBeWritten(value: object): boolean {
  try {
    return JSON.stringify(value) !== "";
  } catch {
    return false;
  }
}
