import { describe, expect, test } from "vitest";
import { createBoundedCache } from "../../src/runtime/bounded-cache.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

/** Creates a cache of entries that expire after 1 s, and its clock. */
function createCache() {
  const clock = { now: 1 };
  const timed = { max: 2, maxSize: 10, ttl: 1000, now: () => clock.now };
  return { clock, cache: createBoundedCache<{ readonly name: string }>(timed) };
}

const size = 1;
const [first, second, third] = [{ name: "first" }, { name: "second" }, { name: "third" }] as const;

describe("a bounded cache", () => {
  test("drops the least recently used value, and peek does not count as a use", () => {
    const { cache } = createCache();
    cache.set("1", first, { size });
    cache.set("2", second, { size });
    expect([cache.get("1"), cache.peek("2")]).toEqual([first, second]);
    cache.set("3", third, { size });
    expect([cache.peek("1"), cache.peek("2"), cache.peek("3")]).toEqual([first, undefined, third]);
  });

  test("drops a value after the ttl of the cache or the entry", () => {
    const { cache, clock } = createCache();
    cache.set("1", first, { size });
    cache.set("2", second, { size, ttl: 2000 });
    clock.now += 1001;
    expect([cache.peek("1"), cache.get("1"), cache.get("2")]).toEqual([undefined, undefined, second]);
  });

  test.each<[string, unknown]>([
    ["allowStale", true],
    ["noDeleteOnStaleGet", true],
    ["updateAgeOnGet", true],
    ["start", 1e15],
    ["ttl", 1e15],
    ["noUpdateTTL", true],
    ["status", {}],
  ])("drops an expired value even if every object inherits %s", (name, value) => {
    withPollutedPrototype(name, value, () => {
      const { cache, clock } = createCache();
      cache.set("1", first, { size });
      clock.now += 999;
      expect(cache.get("1")).toBe(first);
      clock.now += 2;
      expect(cache.peek("1")).toBeUndefined();
      expect(cache.get("1")).toBeUndefined();
    });
  });
});
