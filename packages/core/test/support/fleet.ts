import type { Issuer } from "@certbound/testing";
import { expect, vi } from "vitest";
import type { Introspector } from "../../src/issuer/introspection/introspector.ts";
import { introspectionOptionsOf, introspectorOf, type IntrospectorOptions } from "./introspector.ts";
import { cacheKey, type OpenStore, openStore } from "./stores.ts";
import { client, startIssuerInTest } from "./verification.ts";

/** Processes of one API that share introspection responses. */
export interface Fleet {
  readonly issuer: Issuer;
  readonly store: OpenStore;
  /** The token that the first process has introspected; the response is in the store. */
  readonly token: string;
  readonly first: Introspector;
  /** Creates another process of the API, with a separate clock. */
  readonly join: (options?: IntrospectorOptions) => Introspector;
}

/** Starts an issuer, a store, and a process of the API that has sent one introspection request. */
export async function startFleet(options: IntrospectorOptions = {}): Promise<Fleet> {
  const issuer = await startIssuerInTest();
  const store = openStore();
  const join = (overrides: IntrospectorOptions = {}) =>
    introspectorOf({ ...introspectionOptionsOf(issuer), cache: store.cache, cacheKey, ...options, ...overrides });
  const token = await issuer.opaqueToken({ boundTo: client, claims: { sub: "user-1" } });
  const first = join();
  await first.introspect(token);
  await entries(store, 1, { interval: 1 });
  return { issuer, store, token, first, join };
}

/** Waits until the store has exactly `count` entries, and checks this every `interval` ms. */
export async function entries(store: OpenStore, count: number, { interval = 50 } = {}): Promise<void> {
  await vi.waitFor(() => expect(store.names()).toHaveLength(count), { interval });
}

/** Returns the only name in a store, and its value. */
export async function onlyEntry(store: OpenStore): Promise<readonly [name: string, value: unknown]> {
  const [entry, ...others] = Object.entries(await store.values());
  if (entry === undefined || others.length > 0) throw new Error("the store does not have exactly one entry");
  return entry;
}
