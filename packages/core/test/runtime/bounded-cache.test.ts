import { describe, expect, test } from "vitest";
import { createBoundedCache } from "../../src/runtime/bounded-cache.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

/** A cache of entries that expire after 1 s, and the clock that they expire by. */
function createCache() {
  const clock = { now: 1 };
  const timed = { max: 2, maxSize: 10, ttl: 1000, now: () => clock.now };
  return { clock, cache: createBoundedCache<{ readonly name: string }>(timed) };
}

const size = 1;
const [first, second, third] = [{ name: "first" }, { name: "second" }, { name: "third" }] as const;

describe("a bounded cache", () => {
  test("drops the value that was not used for the longest time; to peek is not to use", () => {
    const { cache } = createCache();
    cache.set("1", first, { size });
    cache.set("2", second, { size });
    expect([cache.get("1"), cache.peek("2")]).toEqual([first, second]);
    cache.set("3", third, { size });
    expect([cache.peek("1"), cache.peek("2"), cache.peek("3")]).toEqual([first, undefined, third]);
  });

  test("drops a value that has expired, by the time of the cache or of the entry", () => {
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
  ])("drops it also where every object inherits %s", (name, value) => {
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
