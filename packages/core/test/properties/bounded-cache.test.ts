import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { type BoundedCache, createBoundedCache } from "../../src/runtime/bounded-cache.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

type Limits = Parameters<typeof createBoundedCache>[0];
type Entry = { readonly key: string; readonly value: number; readonly size: number; readonly expiresAt: number };
type Call =
  | { readonly name: "get" | "peek"; readonly key: string }
  | { readonly name: "set"; readonly key: string; readonly limits: Parameters<BoundedCache<number>["set"]>[2] }
  | { readonly name: "wait"; readonly milliseconds: number };

const keys = ["a", "b", "c", "d", "e", "__proto__"];
const anyKey = fc.constantFrom(...keys);
const anyTtl = fc.nat(60);
const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ name: fc.constantFrom("get" as const, "peek" as const), key: anyKey }),
  fc.record({
    name: fc.constant("set" as const),
    key: anyKey,
    limits: fc.record({ size: fc.nat(12), ttl: anyTtl }, { requiredKeys: [] }),
  }),
  fc.record({ name: fc.constant("wait" as const), milliseconds: fc.nat(10) }),
);
const anyCalls = fc.array(anyCall, { maxLength: 40, size: "max" });
const anyLimits = fc.record({ max: fc.nat(5), maxSize: fc.nat(12), ttl: anyTtl }, { requiredKeys: [] });
const runs = { seed: 20_270_301, numRuns: 300 };

/** Creates a model of the cache: one list, with the least recently used value first. */
function createModel({ max = Infinity, maxSize = Infinity, ttl: defaultTtl = Infinity, now = () => 0 }: Limits) {
  let list: readonly Entry[] = [];
  const without = (key: string) => list.filter((entry) => entry.key !== key);
  const find = (key: string) => list.find((entry) => entry.key === key && now() <= entry.expiresAt);
  const isFull = () => list.length > max || list.reduce((sum, { size }) => sum + size, 0) > maxSize;
  const model: BoundedCache<number> = {
    get(key) {
      const entry = find(key);
      list = entry === undefined ? without(key) : [...without(key), entry];
      return entry?.value;
    },
    peek(key) {
      const entry = find(key);
      if (entry === undefined) list = without(key);
      return entry?.value;
    },
    set(key, value, { size = 1, ttl = defaultTtl }) {
      list = size > maxSize ? without(key) : [...without(key), { key, value, size, expiresAt: now() + ttl }];
      while (isFull()) list = list.slice(1);
    },
  };
  return model;
}

/** Returns the results of some calls of a cache, and its content afterwards. */
function resultsOf(create: (limits: Limits) => BoundedCache<number>, limits: Limits, calls: readonly Call[]) {
  let now = 0;
  const cache = create({ ...limits, now: () => now });
  const results = calls.map((call, index) => {
    if (call.name === "wait") now += call.milliseconds;
    else if (call.name === "set") cache.set(call.key, index, call.limits);
    else return cache[call.name](call.key);
    return undefined;
  });
  return [...results, ...keys.map((key) => cache.peek(key))];
}

test("a bounded cache returns the same as the model, for any limits and calls", () => {
  const behavesLikeModel = (limits: Limits, calls: readonly Call[]): void => {
    expect(resultsOf(createBoundedCache, limits, calls)).toEqual(resultsOf(createModel, limits, calls));
  };
  fc.assert(fc.property(anyLimits, anyCalls, behavesLikeModel), runs);
});

test("a bounded cache returns the same as the model while every object inherits a limit or a member of an entry", () => {
  const anyName = fc.constantFrom(
    "max",
    "maxSize",
    "ttl",
    "now",
    "size",
    "older",
    "newer",
    "expiresAt",
    "key",
    "value",
  );
  const anyValue = fc.constantFrom(0, -1, 1e15, "1", null);
  const behavesLikeModel = (limits: Limits, calls: readonly Call[], name: string, value: unknown): void => {
    const expected = resultsOf(createModel, limits, calls);
    const actual = withPollutedPrototype(name, value, () => resultsOf(createBoundedCache, limits, calls));
    expect(actual).toEqual(expected);
  };
  fc.assert(fc.property(anyLimits, anyCalls, anyName, anyValue, behavesLikeModel), runs);
});
