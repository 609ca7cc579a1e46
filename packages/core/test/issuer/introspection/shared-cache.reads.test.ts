import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { IntrospectionCache } from "../../../src/options/introspection-configuration.ts";
import {
  createSharedCache,
  type IntrospectionSubject,
  type SharedCache,
} from "../../../src/issuer/introspection/shared-cache.ts";
import { listen } from "../../support/introspection-events.ts";
import { reasonOf } from "../../support/outcome.ts";
import { cacheKey, type HeldStore, heldStore } from "../../support/stores.ts";

const nothing = async (): Promise<undefined> => undefined;

interface Arrangement {
  readonly store: HeldStore;
  readonly cache: SharedCache;
  /** Advances the timers and the monotonic clock. */
  readonly pass: (milliseconds: number) => Promise<void>;
}

/** Creates a cache on a store that holds its reads, with another `get` if one is given. */
function arrange(get?: IntrospectionCache["get"]): Arrangement {
  let time = 1_000_000;
  const store = heldStore();
  return {
    store,
    cache: createSharedCache({ store: get === undefined ? store : { ...store, get }, key: cacheKey }, () => time),
    pass: async (milliseconds) => {
      time += milliseconds;
      await vi.advanceTimersByTimeAsync(milliseconds);
    },
  };
}

function subjectOf(token: string): IntrospectionSubject {
  const issuer = "https://issuer.example";
  return { issuer, endpoint: `${issuer}/introspect`, clientId: "api", signedResponse: false, token };
}

/** Starts 64 reads, which the store holds. */
function read64(cache: SharedCache): Promise<readonly unknown[]> {
  return Promise.all(Array.from({ length: 64 }, (_, index) => cache.read(subjectOf(`token-${index}`))));
}

/** Expects that the cache rejects a read without calling the store. */
async function expectLimitReached(cache: SharedCache, store: HeldStore): Promise<void> {
  const before = store.reads.length;
  const reason = await reasonOf(cache.read(subjectOf("token-64")));
  expect(reason).toMatchObject({ name: "IssuerRequestError", message: expect.stringContaining("64 reads") });
  expect(store.reads).toHaveLength(before);
}

/** Expects that exactly 64 more reads are possible. */
async function expect64FreeReads(cache: SharedCache, store: HeldStore): Promise<void> {
  const before = store.reads.length;
  const reads = read64(cache);
  expect(store.reads).toHaveLength(before + 64);
  await expectLimitReached(cache, store);
  store.settleAll(nothing);
  expect(new Set(await reads)).toEqual(new Set([undefined]));
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("the reads of the store", () => {
  test("are limited to 64: the 65th is rejected without calling the store", async () => {
    const { store, cache } = arrange();
    const reads = read64(cache);
    await expectLimitReached(cache, store);
    store.settleAll(nothing);
    await reads;
    await expect64FreeReads(cache, store);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["an entry that is not authentic", async () => "planted"],
    ["an empty result", nothing],
  ])("allow exactly one more read when one of them ends with %s", async (_name, end) => {
    const { store, cache } = arrange();
    const reads = read64(cache);
    store.settle(end);
    await vi.advanceTimersByTimeAsync(0);
    const next = cache.read(subjectOf("token-65"));
    expect(store.reads).toHaveLength(65);
    await expectLimitReached(cache, store);
    store.settleAll(nothing);
    await Promise.all([reads, next]);
  });

  test("do not include rejected reads", async () => {
    const { store, cache } = arrange();
    const reads = read64(cache);
    for (let count = 0; count < 100; count += 1) await expectLimitReached(cache, store);
    store.settleAll(nothing);
    await reads;
    await expect64FreeReads(cache, store);
  });

  test("do not include failed reads", async () => {
    const { store, cache, pass } = arrange();
    const reads = read64(cache);
    store.settleAll(() => Promise.reject(new Error("down")));
    await reads;
    await pass(5000);
    await expect64FreeReads(cache, store);
  });

  test("do not include reads for which the store throws", async () => {
    const { cache, pass } = arrange(() => {
      throw new Error("down");
    });
    for (let count = 0; count < 65; count += 1) {
      expect(await cache.read(subjectOf("token"))).toBeUndefined();
      await pass(5000);
    }
  });

  test("do not include reads after their timeout of 250 ms, even if the store never settles them", async () => {
    const { store, cache, pass } = arrange();
    const reads = read64(cache);
    await pass(249);
    await expectLimitReached(cache, store);
    await pass(1);
    expect(new Set(await reads)).toEqual(new Set([undefined]));
    await pass(5000);
    // The store still holds the late reads. When it settles them, the number of free reads must not change again.
    expect(store.held()).toBe(64);
    const next = read64(cache);
    for (let count = 0; count < 64; count += 1) store.settle(nothing);
    await expectLimitReached(cache, store);
    store.settleAll(nothing);
    await next;
    await expect64FreeReads(cache, store);
  });
});

describe("a store that is paused after a failure", () => {
  test("does not cause rejections, even while it still holds 63 reads", async () => {
    const { store, cache, pass } = arrange();
    const events = listen();
    const reads = read64(cache);
    store.settle(() => Promise.reject(new Error("down")));
    await vi.advanceTimersByTimeAsync(0);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
    await pass(100);
    expect(await Promise.all([read64(cache), read64(cache)])).toHaveLength(2);
    expect(store.reads).toHaveLength(64);
    store.settleAll(nothing);
    await reads;
  });
});
