import { Keyv } from "keyv";
import { describe, expect, test, vi } from "vitest";
import type { IntrospectionCache } from "../../../src/options/introspection-configuration.ts";
import type { Introspector } from "../../../src/issuer/introspection/introspector.ts";
import { type Endpoint, json, startEndpoint, status } from "../../support/endpoint.ts";
import { type Events, listen } from "../../support/introspection-events.ts";
import { introspectorOf, pass, type Times, timesOf } from "../../support/introspector.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { cacheKey, type ChangingStore, changingStore, failures } from "../../support/stores.ts";

const active = json({ active: true });

interface Arrangement {
  readonly endpoint: Endpoint;
  readonly introspector: Introspector;
  /** Starts another process with the same store. */
  readonly join: () => Introspector;
  readonly times: Times;
  readonly events: Events;
}

/** Starts an issuer for which every token is active, and a process that shares the responses in a store. */
async function arrange(cache: IntrospectionCache): Promise<Arrangement> {
  const endpoint = await startEndpoint(active);
  const times = timesOf();
  const join = () => introspectorOf({ issuer: endpoint.url, endpoint: endpoint.url, times, cache, cacheKey });
  return { endpoint, introspector: join(), join, times, events: listen(endpoint.url) };
}

/** Creates a store that fails from the beginning. */
function failingStore(fail: () => Promise<unknown>): ChangingStore {
  const store = changingStore();
  store.behave(fail);
  return store;
}

describe.each(failures)("a store that %s", (_name, fail) => {
  test("does not make a request fail, and is reported once", async () => {
    const { introspector, events } = await arrange(failingStore(fail));
    expect(await outcomeOf(introspector.introspect("MARKER"))).toBe("accepted");
    expect(events.outcomes()).toEqual(["cache-unavailable", "active"]);
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
  });

  test("is not called for 5 s, and is used again after it has recovered", async () => {
    const store = failingStore(fail);
    const { endpoint, introspector, join, times, events } = await arrange(store);
    for (const token of ["one", "two", "three"]) await introspector.introspect(token);
    expect(store.calls).toEqual(["get"]);
    pass(times, 5000);
    await introspector.introspect("four");
    expect(store.calls).toEqual(["get", "get"]);
    store.recover();
    pass(times, 5000);
    await introspector.introspect("five");
    await vi.waitFor(() => expect(store.size()).toBe(1));
    expect(store.calls).toEqual(["get", "get", "get", "set"]);
    expect(await outcomeOf(join().introspect("five"))).toBe("accepted");
    expect(endpoint.requests).toHaveLength(5);
    expect(events.outcomes().filter((outcome) => outcome === "cache-unavailable")).toHaveLength(2);
  });

  test("does not affect the local cache", async () => {
    const store = changingStore();
    const { endpoint, introspector, events } = await arrange(store);
    await introspector.introspect("token");
    await vi.waitFor(() => expect(store.size()).toBe(1), { interval: 1 });
    store.behave(fail);
    expect(await outcomeOf(introspector.introspect("token"))).toBe("accepted");
    expect(endpoint.requests).toHaveLength(1);
    expect(events.outcomes()).toEqual(["active"]);
  });

  test.each([
    ["ERR_TOKEN_INACTIVE", json({ active: false })],
    ["ERR_INTROSPECTION_UNAVAILABLE", status(500, { active: true })],
  ] as const)("does not change the rejection %s", async (code, responder) => {
    const { endpoint, introspector } = await arrange(failingStore(fail));
    endpoint.respondWith(responder);
    expect(await outcomeOf(introspector.introspect("token"))).toBe(code);
  });

  test("does not delay a response if only its writes fail, and is reported", async () => {
    const { introspector, events } = await arrange({ get: async () => undefined, set: fail });
    expect(await outcomeOf(introspector.introspect("MARKER"))).toBe("accepted");
    expect(events.outcomes()).toEqual(["active"]);
    expect(JSON.stringify(await events.first("cache-unavailable"))).not.toContain("MARKER");
  });
});

describe("a store that hangs", () => {
  test("delays only one request by 250 ms", async () => {
    const store = failingStore(() => new Promise(() => {}));
    const { introspector } = await arrange(store);
    const started = performance.now();
    await introspector.introspect("one");
    const first = performance.now() - started;
    for (let index = 0; index < 20; index += 1) await introspector.introspect(`token-${index}`);
    expect(first).toBeGreaterThanOrEqual(245);
    expect(store.calls).toEqual(["get"]);
  });
});

describe("a Keyv whose store fails", () => {
  let calls = 0;
  const fail = (): Promise<never> => {
    calls += 1;
    return Promise.reject(new Error("MARKER"));
  };
  const store = { get: fail, set: fail, delete: fail, clear: fail };

  test.each([
    [true, 1],
    [false, 2],
  ])("is paused, with throwOnErrors %s, after a number of calls that is at most %d", async (throwOnErrors, maximum) => {
    calls = 0;
    const { introspector, events } = await arrange(new Keyv({ store, throwOnErrors }));
    expect(await outcomeOf(introspector.introspect("token"))).toBe("accepted");
    await events.first("cache-unavailable");
    expect(await outcomeOf(introspector.introspect("other"))).toBe("accepted");
    expect(calls).toBeGreaterThan(0);
    // Keyv 6 reports an error of the store for the first call, regardless of throwOnErrors.
    expect(calls).toBeLessThanOrEqual(maximum);
  });
});
