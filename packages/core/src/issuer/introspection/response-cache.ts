import { hash } from "node:crypto";
import { createBoundedCache } from "../../runtime/bounded-cache.ts";
import { type JsonObject, ownMember } from "../../values/json-object.ts";

/** An introspection response, and when it was requested. */
export interface IntrospectionResult {
  readonly response: JsonObject;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
}

/** The cache of an issuer's introspection responses in this process. */
export interface ResponseCache {
  /** @param digest the result of {@link tokenDigest} */
  find(digest: string): JsonObject | "inactive" | undefined;
  /** @param timeToLive milliseconds; limited to 10 s for inactive tokens */
  store(digest: string, response: JsonObject, timeToLive: number): void;
}

/** The maximum time for which an inactive token is cached, in milliseconds. */
const INACTIVE_LIMIT = 10_000;
const MAX_RESPONSES = 10_000;
/** The maximum total length of the cached responses, in characters of JSON. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Creates the cache. Inactive tokens have a separate cache, so that a flood of them does not evict active ones.
 *
 * @param elapsed a monotonic clock in milliseconds
 */
export function createResponseCache(elapsed: () => number): ResponseCache {
  const timed = { max: MAX_RESPONSES, now: elapsed };
  const active = createBoundedCache<JsonObject>({ ...timed, maxSize: MAX_LENGTH });
  const inactive = createBoundedCache<true>(timed);
  return {
    find: (digest) => active.get(digest) ?? (inactive.peek(digest) ? "inactive" : undefined),
    store(digest, response, timeToLive) {
      if (timeToLive <= 0) return;
      if (isActive(response)) active.set(digest, response, { ttl: timeToLive, size: lengthOf(response) });
      else inactive.set(digest, true, { ttl: Math.min(timeToLive, INACTIVE_LIMIT) });
    },
  };
}

/** Returns whether `active` is the boolean true (RFC 7662 section 2.2). */
export function isActive(response: JsonObject): boolean {
  return ownMember(response, "active") === true;
}

function lengthOf(response: JsonObject): number {
  try {
    return JSON.stringify(response).length;
  } catch {
    // A response that is nested too deeply to be serialized is not cached.
    return MAX_LENGTH + 1;
  }
}

/** Returns the cache key of a token: its SHA-256, so that the cache does not contain tokens. */
export function tokenDigest(token: string): string {
  return hash("sha256", token, "base64url");
}
