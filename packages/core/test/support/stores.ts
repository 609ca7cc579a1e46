import { Keyv } from "keyv";
import type { IntrospectionCache } from "../../src/options/introspection-configuration.ts";

/** The key of the shared caches of these tests. */
export const cacheKey = "a secret of the fleet, 32 characters";

/** A Keyv that keeps everything in a map, where a test can look and write as others can. */
export interface OpenStore {
  readonly cache: IntrospectionCache;
  /** The names of the entries. */
  readonly names: () => readonly string[];
  /** The values as Keyv got them, by name. */
  readonly values: () => Promise<Readonly<Record<string, unknown>>>;
  /** Writes a value of any kind under a name. */
  readonly plant: (name: string, value: unknown) => Promise<void>;
  /** All that anybody sees who can read the store. */
  readonly content: () => string;
}

/** Creates such a store, which is empty. */
export function openStore(): OpenStore {
  const map = new Map<string, string>();
  const keyv = new Keyv({ store: map });
  const names = (): readonly string[] => [...map.keys()].map((name) => name.replace(/^keyv:/, ""));
  return {
    cache: keyv,
    names,
    values: async () =>
      Object.fromEntries(
        await Promise.all(names().map(async (name) => [name, await keyv.get<unknown>(name)] as const)),
      ),
    plant: async (name, value) => void (await keyv.set(name, value)),
    content: () => JSON.stringify([...map]),
  };
}

/** A store whose two operations a test replaces while it is used. */
export interface ChangingStore extends IntrospectionCache {
  get: IntrospectionCache["get"];
  set: IntrospectionCache["set"];
  /** What was called so far, in order. */
  readonly calls: ("get" | "set")[];
  /** How many entries were written while it worked. */
  readonly size: () => number;
  /** Replaces both operations. */
  readonly behave: (operation: () => Promise<unknown>) => void;
  /** Makes it a store that works. */
  readonly recover: () => void;
}

/** Creates a store that works, until it is told to do otherwise. */
export function changingStore(): ChangingStore {
  const calls: ("get" | "set")[] = [];
  const { cache: working, names } = openStore();
  let cache = working;
  return {
    calls,
    size: () => names().length,
    get(name) {
      calls.push("get");
      return cache.get(name);
    },
    set(name, value, timeToLive) {
      calls.push("set");
      return cache.set(name, value, timeToLive);
    },
    behave: (operation) => {
      cache = { get: operation, set: operation };
    },
    recover: () => {
      cache = working;
    },
  };
}

/** A store that holds its reads until the test settles them; what is written to it is dropped. */
export interface HeldStore extends IntrospectionCache {
  /** The names that were read so far. */
  readonly reads: readonly string[];
  /** How many reads are held. */
  readonly held: () => number;
  /** Settles the oldest read that is held. */
  readonly settle: (outcome: () => Promise<unknown>) => void;
  /** Settles all reads that are held. */
  readonly settleAll: (outcome: () => Promise<unknown>) => void;
}

/** Creates such a store. */
export function heldStore(): HeldStore {
  const reads: string[] = [];
  const waiting: ((outcome: () => Promise<unknown>) => void)[] = [];
  const settle: HeldStore["settle"] = (outcome) => {
    const oldest = waiting.shift();
    if (oldest === undefined) throw new Error("no read is held");
    oldest(outcome);
  };
  return {
    reads,
    held: () => waiting.length,
    settle,
    settleAll: (outcome) => {
      while (waiting.length > 0) settle(outcome);
    },
    async get(name) {
      reads.push(name);
      const outcome = await new Promise<() => Promise<unknown>>((resolve) => void waiting.push(resolve));
      return outcome();
    },
    set: async () => true,
  };
}

/** How a store may fail. */
export const failures: readonly (readonly [string, () => Promise<unknown>])[] = [
  ["rejects", () => Promise.reject(new Error("MARKER"))],
  [
    "throws synchronously",
    () => {
      throw new Error("MARKER");
    },
  ],
  ["hangs", () => new Promise(() => {})],
];
