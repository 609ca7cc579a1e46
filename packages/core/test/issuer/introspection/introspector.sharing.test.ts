import type { Issuer } from "@certbound/testing";
import { describe, expect, test, vi } from "vitest";
import type { IntrospectionCache } from "../../../src/options/introspection-configuration.ts";
import { json, startEndpoint } from "../../support/endpoint.ts";
import { entries, onlyEntry, startFleet } from "../../support/fleet.ts";
import {
  introspectorOf,
  type IntrospectorOptions,
  pass,
  introspectionCount,
  type Times,
  timesOf,
} from "../../support/introspector.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { cacheKey, openStore } from "../../support/stores.ts";
import { client, now } from "../../support/verification.ts";

const second = 1000;
const active = json({ active: true, sub: "user-1" });

/** Returns times that differ from those of the first process. */
function later(milliseconds: number): Times {
  return timesOf(now + milliseconds);
}

describe("a second process with the same store", () => {
  test("uses the shared response without a request", async () => {
    const { issuer, token, first, join } = await startFleet();
    const response = await join().introspect(token);
    expect(response).toEqual(await first.introspect(token));
    expect(introspectionCount(issuer)).toBe(1);
  });

  test("sends a request if no cache is configured", async () => {
    const { issuer, token, join } = await startFleet();
    await join({ cache: undefined, cacheKey: undefined }).introspect(token);
    expect(introspectionCount(issuer)).toBe(2);
  });

  test("returns a deeply frozen response", async () => {
    const { token, join } = await startFleet();
    const response = await join().introspect(token);
    expect([response, response.cnf].map((part) => Object.isFrozen(part))).toEqual([true, true]);
  });

  test("reads the store once for 1000 requests with one token, and does not write", async () => {
    const { issuer, store, token, join } = await startFleet();
    const calls: string[] = [];
    const counting: IntrospectionCache = {
      get(name) {
        calls.push("get");
        return store.cache.get(name);
      },
      async set(name) {
        calls.push(store.names().includes(name) ? "set again" : "set");
      },
    };
    const process = join({ cache: counting });
    await Promise.all(Array.from({ length: 1000 }, () => process.introspect(token)));
    expect(calls).toEqual(["get"]);
    await process.introspect(await issuer.opaqueToken());
    await vi.waitFor(() => expect(calls).toContain("set"));
    expect(calls).toEqual(["get", "get", "set"]);
  });

  test.each<[string, (issuer: Issuer) => IntrospectorOptions]>([
    ["cacheKey", () => ({ cacheKey: `${cacheKey}.` })],
    ["issuer", () => ({ issuer: "https://other.example" })],
    ["endpoint", (issuer) => ({ endpoint: `${issuer.introspectionEndpoint}?tenant=2` })],
    ["signedResponse", () => ({ signedResponse: true })],
  ])("sends a request if it has another %s", async (_name, difference) => {
    const { issuer, store, token, join } = await startFleet();
    await join(difference(issuer)).introspect(token);
    await entries(store, 2);
    expect(introspectionCount(issuer)).toBe(2);
  });

  test("sends a request if it is another client, because the response may differ", async () => {
    const { url, requests } = await startEndpoint(active);
    const store = openStore();
    const counts: number[] = [];
    for (const clientId of ["api", "api", "other"]) {
      await introspectorOf({ endpoint: url, cache: store.cache, cacheKey, clientId }).introspect("token");
      counts.push(requests.length);
      await entries(store, clientId === "api" ? 1 : 2);
    }
    expect(counts).toEqual([1, 1, 2]);
  });

  test("sends a request for another token", async () => {
    const { issuer, token, join } = await startFleet();
    const process = join();
    await process.introspect(token);
    await process.introspect(await issuer.opaqueToken({ boundTo: client, claims: { sub: "user-1" } }));
    expect(introspectionCount(issuer)).toBe(2);
  });

  test("sends a request for an inactive token, because inactive tokens are not shared", async () => {
    const { issuer, store, join } = await startFleet();
    const revoked = await issuer.opaqueToken();
    issuer.revoke(revoked);
    expect(await outcomeOf(join().introspect(revoked))).toBe("ERR_TOKEN_INACTIVE");
    expect(await outcomeOf(join().introspect(revoked))).toBe("ERR_TOKEN_INACTIVE");
    expect(introspectionCount(issuer)).toBe(3);
    expect(store.names()).toHaveLength(1);
  });
});

describe("a shared response", () => {
  test.each([
    [30 * second - 1, 1],
    [30 * second, 2],
    [3600 * second, 2],
    [-5 * second, 1],
    [-5 * second - 1, 2],
    [-3600 * second, 2],
  ])(
    "is used for 30 s by the wall clock: at an age of %d ms, the number of requests is %d",
    async (age, requestCount) => {
      const { issuer, token, join } = await startFleet();
      expect(await outcomeOf(join({ times: later(age) }).introspect(token))).toBe("accepted");
      expect(introspectionCount(issuer)).toBe(requestCount);
    },
  );

  test.each([
    [9 * second, 1],
    [10 * second, 2],
  ])(
    "is used for the cacheDuration of the reader: at an age of %d ms, the number of requests is %d",
    async (age, requestCount) => {
      const { issuer, token, join } = await startFleet({ cacheDuration: 3600 });
      await join({ times: later(age), cacheDuration: 10 }).introspect(token);
      expect(introspectionCount(issuer)).toBe(requestCount);
    },
  );

  test("is not used for longer if it is read late", async () => {
    const { issuer, token, join } = await startFleet();
    const times = later(20 * second);
    const process = join({ times });
    await process.introspect(token);
    pass(times, 10 * second - 1);
    await process.introspect(token);
    expect(introspectionCount(issuer)).toBe(1);
    pass(times, 2);
    await process.introspect(token);
    expect(introspectionCount(issuer)).toBe(2);
  });

  test("counts its age from its request, even if the entry is replayed", async () => {
    const { issuer, store, token, join } = await startFleet();
    const [name, old] = await onlyEntry(store);
    issuer.revoke(token);
    const times = later(31 * second);
    await store.plant(name, old);
    expect(await outcomeOf(join({ times }).introspect(token))).toBe("ERR_TOKEN_INACTIVE");
    expect(introspectionCount(issuer)).toBe(2);
  });

  test("is replaced by the response to a new request", async () => {
    const { issuer, store, token, join } = await startFleet();
    const [name, old] = await onlyEntry(store);
    const times = later(31 * second);
    await join({ times }).introspect(token);
    await vi.waitFor(async () => expect((await store.values())[name]).not.toBe(old), { interval: 1 });
    await join({ times }).introspect(token);
    expect(introspectionCount(issuer)).toBe(2);
  });
});
