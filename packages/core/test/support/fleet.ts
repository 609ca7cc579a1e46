import type { Issuer } from "@certbound/testing";
import { expect, vi } from "vitest";
import type { Introspector } from "../../src/issuer/introspection/introspector.ts";
import { asking, introspectorOf, type IntrospectorOptions } from "./introspector.ts";
import { cacheKey, type OpenStore, openStore } from "./stores.ts";
import { client, startIssuerInTest } from "./verification.ts";

/** Processes of one API that share what they are told. */
export interface Fleet {
  readonly issuer: Issuer;
  readonly store: OpenStore;
  /** What the first process was told about, and wrote to the store. */
  readonly token: string;
  readonly first: Introspector;
  /** Another process of the API, with a time of its own. */
  readonly join: (options?: IntrospectorOptions) => Introspector;
}

/** Starts an issuer, a store, and a process of the API that has asked about a token; it has one question behind it. */
export async function startFleet(options: IntrospectorOptions = {}): Promise<Fleet> {
  const issuer = await startIssuerInTest();
  const store = openStore();
  const join = (own: IntrospectorOptions = {}) =>
    introspectorOf({ ...asking(issuer), cache: store.cache, cacheKey, ...options, ...own });
  const token = await issuer.opaqueToken({ boundTo: client, claims: { sub: "user-1" } });
  const first = join();
  await first.introspect(token);
  await entries(store, 1, { interval: 1 });
  return { issuer, store, token, first, join };
}

/** Waits until there are so many entries; looks every `interval` ms, so that more than those are noticed. */
export async function entries(store: OpenStore, count: number, { interval = 50 } = {}): Promise<void> {
  await vi.waitFor(() => expect(store.names()).toHaveLength(count), { interval });
}

/** The only name in a store, and its value. */
export async function onlyEntry(store: OpenStore): Promise<readonly [name: string, value: unknown]> {
  const [entry, ...others] = Object.entries(await store.values());
  if (entry === undefined || others.length > 0) throw new Error("there is not exactly one entry");
  return entry;
}
