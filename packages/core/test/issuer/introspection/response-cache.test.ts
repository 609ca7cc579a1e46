import { describe, expect, test } from "vitest";
import { createResponseCache, isActive } from "../../../src/issuer/introspection/response-cache.ts";
import { withPollutedPrototype } from "../../support/polluted-prototype.ts";

const hour = 3_600_000;
const active = { active: true, sub: "user-1" };
const inactive = { active: false };

/** Creates a cache with a clock that the test controls. */
function arrange(): ReturnType<typeof createResponseCache> & { readonly pass: (milliseconds: number) => void } {
  let time = 1_000_000;
  return {
    ...createResponseCache(() => time),
    pass: (milliseconds) => {
      time += milliseconds;
    },
  };
}

describe("the response cache", () => {
  test("returns the cached response of this token only", () => {
    const { find, store } = arrange();
    store("one", active, hour);
    store("other", inactive, hour);
    expect([find("one"), find("other"), find("third")]).toEqual([active, "inactive", undefined]);
  });

  test.each([1, 250, 0.5, 30_000, hour])("returns a response for exactly its time to live: %d ms", (time) => {
    const { find, store, pass } = arrange();
    store("token", active, time);
    pass(time - 0.1);
    expect(find("token")).toBe(active);
    pass(0.2);
    expect(find("token")).toBeUndefined();
  });

  test.each([0, -1, -hour, Number.NEGATIVE_INFINITY])(
    "does not cache a response with a time to live of %d ms",
    (time) => {
      const { find, store } = arrange();
      store("token", active, time);
      store("other", inactive, time);
      expect([find("token"), find("other")]).toEqual([undefined, undefined]);
    },
  );

  test.each([
    [hour, 10_000],
    [10_001, 10_000],
    [10_000, 10_000],
    [9000, 9000],
    [1, 1],
  ])("caches an inactive token with a time to live of %d ms for %d ms", (timeToLive, time) => {
    const { find, store, pass } = arrange();
    store("token", inactive, timeToLive);
    pass(time - 0.1);
    expect(find("token")).toBe("inactive");
    pass(0.2);
    expect(find("token")).toBeUndefined();
  });

  test("does not cache a response that is nested too deeply for JSON.stringify of this Node.js version", () => {
    const { find, store } = arrange();
    const nested = (depth: number) => {
      const response = { ...active, deep: [] as unknown };
      for (let index = 0; index < depth; index += 1) response.deep = [response.deep];
      return response;
    };
    for (const depth of [100, 100_000]) {
      const response = nested(depth);
      store("token", response, hour);
      expect(find("token") === response).toBe(canBeSerialized(response));
    }
    expect(canBeSerialized(nested(100))).toBe(true);
  });

  test("replaces a response and its time to live", () => {
    const { find, store, pass } = arrange();
    store("token", active, hour);
    const newer = { active: true, sub: "user-2" };
    store("token", newer, 1000);
    expect(find("token")).toBe(newer);
    pass(1001);
    expect(find("token")).toBeUndefined();
  });
});

describe("the limits of the response cache", () => {
  test("do not let inactive tokens evict active ones", () => {
    const { find, store } = arrange();
    store("good", active, hour);
    for (let index = 0; index < 50_000; index += 1) store(`bad-${index}`, inactive, hour);
    expect(find("good")).toBe(active);
  });

  test("keep the last 10 000 inactive tokens", () => {
    const { find, store } = arrange();
    for (let index = 0; index < 10_001; index += 1) store(`bad-${index}`, inactive, hour);
    expect([find("bad-0"), find("bad-1"), find("bad-10000")]).toEqual([undefined, "inactive", "inactive"]);
  });

  test("keep the 10 000 most recently used active tokens", () => {
    const { find, store } = arrange();
    for (let index = 0; index < 10_000; index += 1) store(`token-${index}`, active, hour);
    find("token-0");
    store("token-10000", active, hour);
    expect([find("token-0"), find("token-1"), find("token-2")]).toEqual([active, undefined, active]);
  });

  test("keep 16 Mi characters of responses", () => {
    const { find, store } = arrange();
    const long = { active: true, text: "x".repeat(1024 * 1024 - 100) };
    for (let index = 0; index < 17; index += 1) store(`token-${index}`, long, hour);
    expect([find("token-0"), find("token-1"), find("token-16")]).toEqual([undefined, long, long]);
  });

  test("do not let active tokens evict inactive ones", () => {
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

function canBeSerialized(value: object): boolean {
  try {
    return JSON.stringify(value) !== "";
  } catch {
    return false;
  }
}
