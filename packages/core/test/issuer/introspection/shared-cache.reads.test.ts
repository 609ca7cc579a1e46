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
  /** Moves the timers and the time that has elapsed. */
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

/** Expects that the cache rejects a read without a call of the store. */
async function expectNoPlace(cache: SharedCache, store: HeldStore): Promise<void> {
  const before = store.reads.length;
  const reason = await reasonOf(cache.read(subjectOf("token-64")));
  expect(reason).toMatchObject({ name: "IssuerRequestError", message: expect.stringContaining("64 reads") });
  expect(store.reads).toHaveLength(before);
}

/** Expects that there are places for 64 reads, and not for one more. */
async function expect64Places(cache: SharedCache, store: HeldStore): Promise<void> {
  const before = store.reads.length;
  const reads = read64(cache);
  expect(store.reads).toHaveLength(before + 64);
  await expectNoPlace(cache, store);
  store.settleAll(nothing);
  expect(new Set(await reads)).toEqual(new Set([undefined]));
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("the reads of the store", () => {
  test("are 64 at most: the 65th is rejected, and the store is not called", async () => {
    const { store, cache } = arrange();
    const reads = read64(cache);
    await expectNoPlace(cache, store);
    store.settleAll(nothing);
    await reads;
    await expect64Places(cache, store);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["an entry that is not authentic", async () => "planted"],
    ["nothing", nothing],
  ])("leave a place for one more, and for one only, when one ends with %s", async (_name, end) => {
    const { store, cache } = arrange();
    const reads = read64(cache);
    store.settle(end);
    await vi.advanceTimersByTimeAsync(0);
    const next = cache.read(subjectOf("token-65"));
    expect(store.reads).toHaveLength(65);
    await expectNoPlace(cache, store);
    store.settleAll(nothing);
    await Promise.all([reads, next]);
  });

  test("that are rejected take no place", async () => {
    const { store, cache } = arrange();
    const reads = read64(cache);
    for (let count = 0; count < 100; count += 1) await expectNoPlace(cache, store);
    store.settleAll(nothing);
    await reads;
    await expect64Places(cache, store);
  });

  test("that fail leave their places", async () => {
    const { store, cache, pass } = arrange();
    const reads = read64(cache);
    store.settleAll(() => Promise.reject(new Error("down")));
    await reads;
    await pass(5000);
    await expect64Places(cache, store);
  });

  test("that the store throws on leave their places", async () => {
    const { cache, pass } = arrange(() => {
      throw new Error("down");
    });
    for (let count = 0; count < 65; count += 1) {
      expect(await cache.read(subjectOf("token"))).toBeUndefined();
      await pass(5000);
    }
  });

  test("that are late leave their places after 250 ms, also where the store never settles them", async () => {
    const { store, cache, pass } = arrange();
    const reads = read64(cache);
    await pass(249);
    await expectNoPlace(cache, store);
    await pass(1);
    expect(new Set(await reads)).toEqual(new Set([undefined]));
    await pass(5000);
    // The store still holds the reads that were late; they free no second place when it settles them.
    expect(store.held()).toBe(64);
    const next = read64(cache);
    for (let count = 0; count < 64; count += 1) store.settle(nothing);
    await expectNoPlace(cache, store);
    store.settleAll(nothing);
    await next;
    await expect64Places(cache, store);
  });
});

describe("a store that is left alone", () => {
  test("causes no rejection, though it still holds 63 reads", async () => {
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
