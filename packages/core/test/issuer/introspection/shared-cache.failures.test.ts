import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSharedCache, type SharedCache } from "../../../src/issuer/introspection/shared-cache.ts";
import { type Events, listen } from "../../support/introspection-events.ts";
import { cacheKey, type ChangingStore, changingStore, failures } from "../../support/stores.ts";

const subject = {
  issuer: "https://issuer.example",
  endpoint: "https://issuer.example/introspect",
  clientId: "api",
  signedResponse: false,
  token: "MARKER",
};
const result = { response: { active: true, sub: "MARKER" }, askedAt: 2_000_000_000_000 };
const minute = 60_000;

interface Arrangement {
  readonly store: ChangingStore;
  readonly cache: SharedCache;
  readonly events: Events;
  /** Advances the timers and the monotonic clock. */
  readonly pass: (milliseconds: number) => Promise<void>;
}

/** Creates a cache with one entry, in a store that a test can make fail. */
async function arrange(): Promise<Arrangement> {
  let time = 1_000_000;
  const store = changingStore();
  const cache = createSharedCache({ store, key: cacheKey }, () => time);
  await cache.write(subject, result, minute);
  store.calls.length = 0;
  return {
    store,
    cache,
    events: listen(),
    pass: async (milliseconds) => {
      time += milliseconds;
      await vi.advanceTimersByTimeAsync(milliseconds);
    },
  };
}

/** Returns whether a promise has settled without an advance of the clock. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe.each(failures)("a store that %s", (_name, fail) => {
  test("is treated as empty by a read, and is reported", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    const read = cache.read(subject);
    await pass(250);
    expect(await read).toBeUndefined();
    expect(events.all).toEqual([{ issuer: subject.issuer, outcome: "cache-unavailable", detail: expect.any(String) }]);
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
  });

  test("does not make a write reject, and is reported", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    const written = cache.write(subject, result, minute);
    await vi.waitFor(() => expect(store.calls).toEqual(["set"]), { interval: 1 });
    await pass(250);
    expect(await written).toBeUndefined();
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
  });

  test("is not called for 5 s, and then is used again", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    const read = cache.read(subject);
    await pass(250);
    await read;
    store.recover();
    await pass(4999);
    expect(await cache.read(subject)).toBeUndefined();
    await cache.write(subject, result, minute);
    expect(store.calls).toEqual(["get"]);
    await pass(1);
    expect(await cache.read(subject)).toEqual(result);
    expect(store.calls).toEqual(["get", "get"]);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
  });

  test("is not called for another 5 s if it fails again", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    for (let round = 1; round <= 3; round += 1) {
      const read = cache.read(subject);
      await pass(250);
      expect(await read).toBeUndefined();
      await pass(4999);
      expect(await cache.read(subject)).toBeUndefined();
      expect(store.calls).toHaveLength(round);
      await pass(1);
    }
    expect(events.outcomes()).toEqual(["cache-unavailable", "cache-unavailable", "cache-unavailable"]);
  });
});

test("a write whose value is still being encrypted when the store fails does not reach the store", async () => {
  const { store, cache } = await arrange();
  store.behave(() => Promise.reject(new Error("down")));
  const written = cache.write(subject, result, minute);
  expect(await cache.read(subject)).toBeUndefined();
  await written;
  expect(store.calls).toEqual(["get"]);
});

describe("a write", () => {
  test("fails if the store resolves it with false, like Keyv", async () => {
    const { store, cache, events } = await arrange();
    store.behave(async () => false);
    await cache.write(subject, result, minute);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
    expect(await cache.read(subject)).toBeUndefined();
    expect(store.calls).toEqual(["set"]);
  });

  test.each([true, undefined, null, "OK", 0, new Map()])(
    "succeeds if the store resolves it with %j",
    async (resolved) => {
      const { store, cache, events } = await arrange();
      store.behave(async () => resolved);
      await cache.write(subject, result, minute);
      expect(events.all).toEqual([]);
      store.recover();
      expect(await cache.read(subject)).toEqual(result);
    },
  );
});

describe("a slow store", () => {
  /** Makes the store respond when the test settles it. */
  function slowDown(store: ChangingStore): { readonly succeed: () => void; readonly fail: () => void } {
    let settle: { readonly succeed: () => void; readonly fail: () => void } | undefined;
    const promise = new Promise<void>((succeed, reject) => {
      settle = { succeed, fail: () => reject(new Error("too late")) };
    });
    store.behave(() => promise);
    return { succeed: () => settle?.succeed(), fail: () => settle?.fail() };
  }

  test("is waited for at most 250 ms", async () => {
    const { store, cache, pass } = await arrange();
    slowDown(store);
    const read = cache.read(subject);
    await pass(249);
    expect(await isSettled(read)).toBe(false);
    await pass(1);
    expect(await isSettled(read)).toBe(true);
  });

  test("is not reported if it responds in time", async () => {
    const { store, cache, events, pass } = await arrange();
    const { succeed } = slowDown(store);
    const read = cache.read(subject);
    await pass(249);
    succeed();
    await read;
    expect(events.all).toEqual([]);
    store.recover();
    expect(await cache.read(subject)).toEqual(result);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(["succeed", "fail"] as const)("has no effect if its promise settles after the timeout: %s", async (end) => {
    const { store, cache, events, pass } = await arrange();
    const late = slowDown(store);
    const read = cache.read(subject);
    await pass(250);
    expect(await read).toBeUndefined();
    late[end]();
    await pass(1000);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
  });
});
