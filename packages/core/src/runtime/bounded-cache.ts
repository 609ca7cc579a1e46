import { withoutPrototype } from "../values/object-member.ts";

/** A cache of limited size that drops the least recently used values. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  /** Reads a value without marking it as used. */
  peek(key: string): Value | undefined;
  /** Caches a value, unless it is larger than the cache. Default `size`: 1; default `ttl`: the `ttl` of the cache. */
  set(key: string, value: Value, limits: { readonly size?: number; readonly ttl?: number }): void;
}

interface BoundedCacheOptions {
  readonly max?: number;
  readonly maxSize?: number;
  readonly ttl?: number;
  readonly now?: () => number;
}

/** A value with its neighbours in the list, which is ordered by last use. */
interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  readonly size: number;
  readonly expiresAt: number;
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
}

/** Creates a cache. By default it has no limits. `ttl` is in milliseconds of `now`, a monotonic clock. */
export function createBoundedCache<Value>(options: BoundedCacheOptions): BoundedCache<Value> {
  const { max = Infinity, maxSize = Infinity, ttl: defaultTtl = Infinity, now = () => 0 } = withoutPrototype(options);
  const entries = new Map<string, Entry<Value>>();
  let oldest: Entry<Value> | undefined;
  let newest: Entry<Value> | undefined;
  let totalSize = 0;
  const isFull = (): boolean => entries.size > max || totalSize > maxSize;
  const find = (key: string): Entry<Value> | undefined => {
    const entry = entries.get(key);
    return entry === undefined || now() <= entry.expiresAt ? entry : remove(entry);
  };
  const remove = (entry: Entry<Value> | undefined): undefined => {
    if (entry === undefined) return;
    entries.delete(entry.key);
    totalSize -= entry.size;
    unlink(entry);
  };
  const unlink = ({ older, newer }: Entry<Value>): void => {
    if (older === undefined) oldest = newer;
    else older.newer = newer;
    if (newer === undefined) newest = older;
    else newer.older = older;
  };
  const append = (entry: Entry<Value>): void => {
    entry.older = newest;
    entry.newer = undefined;
    if (newest === undefined) oldest = entry;
    else newest.newer = entry;
    newest = entry;
  };
  return {
    get(key) {
      const entry = find(key);
      if (entry === undefined || entry === newest) return entry?.value;
      unlink(entry);
      append(entry);
      return entry.value;
    },
    peek: (key) => find(key)?.value,
    set(key, value, limits) {
      const { size = 1, ttl = defaultTtl } = withoutPrototype(limits);
      remove(entries.get(key));
      if (size > maxSize) return;
      const entry: Entry<Value> = { key, value, size, expiresAt: now() + ttl, older: undefined, newer: undefined };
      entries.set(key, entry);
      append(entry);
      totalSize += size;
      while (isFull()) remove(oldest);
    },
  };
}
