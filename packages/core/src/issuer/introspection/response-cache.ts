import { hash } from "node:crypto";
import { createBoundedCache } from "../../runtime/bounded-cache.ts";
import { type JsonObject, ownMember } from "../../values/json-object.ts";

/** What the issuer said of a token, and when it was asked. */
export interface IntrospectionResult {
  readonly response: JsonObject;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
}

/** What this process caches of the answers of one issuer. */
export interface ResponseCache {
  /** Looks for what was said of a token. */
  find(digest: string): JsonObject | "inactive" | undefined;
  /** @param timeToLive milliseconds; of an inactive token, 10 s at most count */
  store(digest: string, response: JsonObject, timeToLive: number): void;
}

/** How long it is cached that a token is not active, in milliseconds. */
const INACTIVE_LIMIT = 10_000;
const MAX_ANSWERS = 10_000;
/** How long the answers are in all, in characters of JSON. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Creates the memory; inactive tokens are kept apart, so that a flood of them drives no good answer out.
 *
 * @param elapsed milliseconds that only ever grow
 */
export function createResponseCache(elapsed: () => number): ResponseCache {
  const timed = { max: MAX_ANSWERS, now: elapsed };
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

/** RFC 7662 section 2.2: only the boolean counts. */
export function isActive(response: JsonObject): boolean {
  return ownMember(response, "active") === true;
}

function lengthOf(response: JsonObject): number {
  try {
    return JSON.stringify(response).length;
  } catch {
    // Nested deeper than can be written: too long to be cached.
    return MAX_LENGTH + 1;
  }
}

/** Names a token in this memory: its SHA-256, so that the memory holds no tokens. */
export function tokenDigest(token: string): string {
  return hash("sha256", token, "base64url");
}
