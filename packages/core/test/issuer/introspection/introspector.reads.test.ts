import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { httpRejection } from "../../../src/http/rejection.ts";
import { json, startEndpoint } from "../../support/endpoint.ts";
import { entries } from "../../support/fleet.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import { introspectorOf } from "../../support/introspector.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { cacheKey, heldStore, openStore } from "../../support/stores.ts";

const active = json({ active: true, sub: "user-1" });
const tokens = (count: number, prefix = "token"): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const nothing = async (): Promise<undefined> => undefined;
const accepted = new Set(["accepted"]);

describe("reads of the shared cache", () => {
  test("are limited to 64: the 65th token is rejected with 503, and the first 64 are accepted", async () => {
    const endpoint = await startEndpoint(active);
    const store = heldStore();
    const introspector = introspectorOf({ endpoint: endpoint.url, cache: store, cacheKey });
    const outcomes = tokens(64).map((token) => outcomeOf(introspector.introspect(token)));
    await nextTurn();
    const error = await rejectionOf(introspector.introspect("token-64"));
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(error.detail).toContain("64 reads of the shared cache");
    expect(httpRejection(error)).toMatchObject({ status: 503, headers: { "Retry-After": "1" } });
    expect([store.reads.length, endpoint.requests.length]).toEqual([64, 0]);
    store.settleAll(nothing);
    expect(new Set(await Promise.all(outcomes))).toEqual(accepted);
    const again = outcomeOf(introspector.introspect("token-64"));
    await nextTurn();
    store.settleAll(nothing);
    expect(await again).toBe("accepted");
  });

  test("are limited to 64 if 5000 garbage tokens arrive simultaneously", async () => {
    const endpoint = await startEndpoint(json({ active: false }));
    const store = heldStore();
    const introspector = introspectorOf({ endpoint: endpoint.url, cache: store, cacheKey });
    const outcomes = tokens(5000).map((token) => outcomeOf(introspector.introspect(token)));
    await nextTurn();
    expect(store.reads).toHaveLength(64);
    store.settleAll(nothing);
    const all = await Promise.all(outcomes);
    expect(all.filter((outcome) => outcome === "ERR_TOKEN_INACTIVE")).toHaveLength(64);
    expect(all.filter((outcome) => outcome === "ERR_INTROSPECTION_UNAVAILABLE")).toHaveLength(5000 - 64);
    expect(endpoint.requests).toHaveLength(64);
  });

  test("are shared by all requests with the same token", async () => {
    const endpoint = await startEndpoint(active);
    const store = heldStore();
    const introspector = introspectorOf({ endpoint: endpoint.url, cache: store, cacheKey });
    const outcomes = [...tokens(64), ...tokens(64)].map((token) => outcomeOf(introspector.introspect(token)));
    await nextTurn();
    outcomes.push(outcomeOf(introspector.introspect("token-63")));
    expect(store.reads).toHaveLength(64);
    store.settleAll(nothing);
    expect(new Set(await Promise.all(outcomes))).toEqual(accepted);
    expect(endpoint.requests).toHaveLength(64);
  });

  test("do not limit tokens whose responses are cached in this process", async () => {
    const endpoint = await startEndpoint(active);
    const store = heldStore();
    const introspector = introspectorOf({ endpoint: endpoint.url, cache: store, cacheKey });
    const known = outcomeOf(introspector.introspect("known"));
    await nextTurn();
    store.settleAll(nothing);
    expect(await known).toBe("accepted");
    const outcomes = tokens(64).map((token) => outcomeOf(introspector.introspect(token)));
    await nextTurn();
    expect(await outcomeOf(introspector.introspect("known"))).toBe("accepted");
    expect(await outcomeOf(introspector.introspect("unknown"))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    store.settleAll(nothing);
    await Promise.all(outcomes);
  });
});

describe("the limits on reads and on requests to the issuer", () => {
  test("are independent: 64 reads are possible while 64 requests are in flight", async () => {
    const { url, requests, waiting, releaseAll } = await startHeldEndpoint();
    const store = heldStore();
    const introspector = introspectorOf({ endpoint: url, cache: store, cacheKey });
    const introspect = (names: readonly string[]) => names.map((token) => outcomeOf(introspector.introspect(token)));
    const first = introspect(tokens(64, "first"));
    await nextTurn();
    store.settleAll(nothing);
    await waiting(64);
    const second = introspect(tokens(65, "second"));
    await nextTurn();
    expect(store.held()).toBe(64);
    expect(await second[64]).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    store.settleAll(nothing);
    expect(new Set(await Promise.all(second))).toEqual(new Set(["ERR_INTROSPECTION_UNAVAILABLE"]));
    expect(requests).toHaveLength(64);
    releaseAll(active);
    expect(new Set(await Promise.all(first))).toEqual(accepted);
  });

  test("allow a token to be found in the shared cache while 64 requests to the issuer are in flight", async () => {
    const { url, requests, waiting, releaseAll } = await startHeldEndpoint();
    const store = openStore();
    const process = () => introspectorOf({ endpoint: url, cache: store.cache, cacheKey });
    const shared = process().introspect("shared");
    await waiting(1);
    releaseAll(active);
    await shared;
    await entries(store, 1);
    const introspector = process();
    const outcomes = tokens(64).map((token) => outcomeOf(introspector.introspect(token)));
    await waiting(64);
    expect(await outcomeOf(introspector.introspect("shared"))).toBe("accepted");
    expect(await outcomeOf(introspector.introspect("unknown"))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    releaseAll(active);
    expect(new Set(await Promise.all(outcomes))).toEqual(accepted);
    expect(requests).toHaveLength(65);
  });
});
