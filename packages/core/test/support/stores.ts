import { Keyv } from "keyv";
import type { IntrospectionCache } from "../../src/options/introspection-configuration.ts";

/** The `cacheKey` of the shared caches. */
export const cacheKey = "a secret of the fleet, 32 characters";

/** A Keyv store on top of a map that a test can read and write. */
export interface OpenStore {
  readonly cache: IntrospectionCache;
  /** The names of the entries. */
  readonly names: () => readonly string[];
  /** Returns the values that Keyv stores, by name. */
  readonly values: () => Promise<Readonly<Record<string, unknown>>>;
  /** Writes any value under a name. */
  readonly plant: (name: string, value: unknown) => Promise<void>;
  /** Returns the whole content of the store. */
  readonly content: () => string;
}

/** Creates an empty store. */
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

/** A store whose operations a test can replace at any time. */
export interface ChangingStore extends IntrospectionCache {
  get: IntrospectionCache["get"];
  set: IntrospectionCache["set"];
  /** The operations called so far, in order. */
  readonly calls: ("get" | "set")[];
  /** The number of entries in the working store. */
  readonly size: () => number;
  /** Replaces both operations. */
  readonly behave: (operation: () => Promise<unknown>) => void;
  /** Restores the working operations. */
  readonly recover: () => void;
}

/** Creates a store that works until `behave` is called. */
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

/** A store that holds its reads until the test settles them, and ignores writes. */
export interface HeldStore extends IntrospectionCache {
  /** The names of all reads so far. */
  readonly reads: readonly string[];
  /** The number of held reads. */
  readonly held: () => number;
  /** Settles the oldest held read. */
  readonly settle: (outcome: () => Promise<unknown>) => void;
  /** Settles all held reads. */
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

/** The ways in which a store can fail. */
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
