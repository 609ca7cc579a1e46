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
const answer = { response: { active: true, sub: "MARKER" }, askedAt: 2_000_000_000_000 };
const minute = 60_000;

interface Arrangement {
  readonly store: ChangingStore;
  readonly cache: SharedCache;
  readonly events: Events;
  /** Moves the timers and the time that has elapsed. */
  readonly pass: (milliseconds: number) => Promise<void>;
}

/** A cache that holds an answer, in a store that a test can make fail. */
async function arrange(): Promise<Arrangement> {
  let time = 1_000_000;
  const store = changingStore();
  const cache = createSharedCache({ store, key: cacheKey }, () => time);
  await cache.write(subject, answer, minute);
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

/** Whether a promise has settled, when everything that needs no time is done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe.each(failures)("a store that %s", (_name, fail) => {
  test("is as good as empty when it is read, and is reported", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    const read = cache.read(subject);
    await pass(250);
    expect(await read).toBeUndefined();
    expect(events.all).toEqual([{ issuer: subject.issuer, outcome: "cache-unavailable", detail: expect.any(String) }]);
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
  });

  test("harms nobody who writes, and is reported", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    const written = cache.write(subject, answer, minute);
    await vi.waitFor(() => expect(store.calls).toEqual(["set"]), { interval: 1 });
    await pass(250);
    expect(await written).toBeUndefined();
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
  });

  test("is not called for 5 s, and is used again after that", async () => {
    const { store, cache, events, pass } = await arrange();
    store.behave(fail);
    const read = cache.read(subject);
    await pass(250);
    await read;
    store.recover();
    await pass(4999);
    expect(await cache.read(subject)).toBeUndefined();
    await cache.write(subject, answer, minute);
    expect(store.calls).toEqual(["get"]);
    await pass(1);
    expect(await cache.read(subject)).toEqual(answer);
    expect(store.calls).toEqual(["get", "get"]);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
  });

  test("is left alone for another 5 s when it fails again", async () => {
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
  const written = cache.write(subject, answer, minute);
  expect(await cache.read(subject)).toBeUndefined();
  await written;
  expect(store.calls).toEqual(["get"]);
});

describe("a store that resolves a write", () => {
  test("with false has failed, as a Keyv says it", async () => {
    const { store, cache, events } = await arrange();
    store.behave(async () => false);
    await cache.write(subject, answer, minute);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
    expect(await cache.read(subject)).toBeUndefined();
    expect(store.calls).toEqual(["set"]);
  });

  test.each([true, undefined, null, "OK", 0, new Map()])("with %j has not", async (result) => {
    const { store, cache, events } = await arrange();
    store.behave(async () => result);
    await cache.write(subject, answer, minute);
    expect(events.all).toEqual([]);
    store.recover();
    expect(await cache.read(subject)).toEqual(answer);
  });
});

describe("a slow store", () => {
  /** Makes the store answer when the test says so. */
  function slow(store: ChangingStore): { readonly succeed: () => void; readonly fail: () => void } {
    let settle: { readonly succeed: () => void; readonly fail: () => void } | undefined;
    const promise = new Promise<void>((succeed, reject) => {
      settle = { succeed, fail: () => reject(new Error("too late")) };
    });
    store.behave(() => promise);
    return { succeed: () => settle?.succeed(), fail: () => settle?.fail() };
  }

  test("is waited for 250 ms, and no longer", async () => {
    const { store, cache, pass } = await arrange();
    slow(store);
    const read = cache.read(subject);
    await pass(249);
    expect(await isSettled(read)).toBe(false);
    await pass(1);
    expect(await isSettled(read)).toBe(true);
  });

  test("that answers in time is no failure", async () => {
    const { store, cache, events, pass } = await arrange();
    const { succeed } = slow(store);
    const read = cache.read(subject);
    await pass(249);
    succeed();
    await read;
    expect(events.all).toEqual([]);
    store.recover();
    expect(await cache.read(subject)).toEqual(answer);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(["succeed", "fail"] as const)("is not heard any more when it does %s after that", async (end) => {
    const { store, cache, events, pass } = await arrange();
    const late = slow(store);
    const read = cache.read(subject);
    await pass(250);
    expect(await read).toBeUndefined();
    late[end]();
    await pass(1000);
    expect(events.outcomes()).toEqual(["cache-unavailable"]);
  });
});
