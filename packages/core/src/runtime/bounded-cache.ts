import { LRUCache } from "lru-cache";
import { withoutPrototype } from "../values/object-member.ts";

/** A cache of limited size: the values that were not used for the longest time make room for new ones. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  /** Reads a value without counting that as a use. */
  peek(key: string): Value | undefined;
  /** @param entry its size, and how long it is kept, in milliseconds, if not as long as all others */
  set(key: string, value: Value, entry: { readonly size?: number; readonly ttl?: number }): void;
}

/**
 * Creates a cache by the options of lru-cache.
 *
 * lru-cache reads its options, those of each call included, from objects that inherit from `Object.prototype`: an
 * `allowStale` there would bring expired values back. Here it finds own members only.
 */
export function createBoundedCache<Value extends object | true>(
  options: LRUCache.Options<string, Value, unknown>,
): BoundedCache<Value> {
  const cache = new LRUCache<string, Value>(withoutPrototype(options));
  return {
    get: (key) => cache.get(key, lookup()),
    peek: (key) => cache.peek(key, lookup()),
    set(key, value, entry) {
      cache.set(key, value, withoutPrototype(entry));
    },
  };
}

/** Every member is given: an object without a prototype takes lru-cache longer. It writes to `status`. */
function lookup(): { allowStale: false; updateAgeOnGet: false; noDeleteOnStaleGet: false } {
  const options = { allowStale: false, updateAgeOnGet: false, noDeleteOnStaleGet: false, status: undefined } as const;
  return options;
}
