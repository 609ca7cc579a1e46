import { Buffer } from "node:buffer";
import type { AccessTokenClaims } from "../access-token.ts";
import { createBoundedCache } from "../runtime/bounded-cache.ts";
import type { TokenHeader, TokenTimes } from "./claims.ts";
import type { Issuer } from "../issuer/issuers.ts";
import type { VerificationKey } from "../issuer/keys/key-set.ts";
import { createSingleFlight } from "../runtime/promises.ts";

/** A JWT with a verified signature. Its times, its binding and the requirements must still be checked for each request. */
export interface VerifiedToken {
  readonly token: string;
  readonly header: TokenHeader;
  readonly claims: AccessTokenClaims;
  readonly times: TokenTimes;
  readonly issuer: Issuer;
  /** The key that verified the signature. */
  readonly key: VerificationKey;
}

/** The cache of verified tokens, which avoids verifying the signature for every request. */
export interface VerifiedTokens {
  /** Returns a cached token if its issuer is still permitted and still has the key. */
  find(token: string): VerifiedToken | undefined;
  /** Calls `verify`; concurrent calls with the same token and issuer share one call. */
  verify(token: string, issuer: Issuer, verify: () => Promise<VerifiedToken>): Promise<VerifiedToken>;
  /** Caches a verified token. Its claims and its binding must have been accepted. */
  keep(verified: VerifiedToken): void;
}

/** How long a token is cached, in milliseconds, regardless of its lifetime. */
const MAX_AGE = 300_000;
/** The maximum total length of the cached tokens, in characters. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Creates the cache of a verifier. Rejections are not cached.
 *
 * The key of an entry consists of 43 characters of the signature; `find` then compares the whole token. This is faster than
 * a digest of the token. The last 43 characters are not part of the key, because different ML-DSA signatures can end with
 * the same characters.
 *
 * @param size the maximum number of tokens; 0 disables the cache and the sharing of verifications
 * @param elapsed a monotonic clock, in milliseconds
 */
export function createVerifiedTokens(size: number, elapsed: () => number = () => performance.now()): VerifiedTokens {
  if (size === 0) {
    return { find: () => undefined, verify: (_token, _issuer, verify) => verify(), keep: () => undefined };
  }
  const cache = createBoundedCache<VerifiedToken>({
    max: size,
    maxSize: MAX_LENGTH,
    ttl: MAX_AGE,
    now: elapsed,
  });
  const once = createSingleFlight<VerifiedToken>();
  return {
    find(token) {
      const verified = cache.get(cacheKeyOf(token));
      if (verified?.token !== token || !verified.issuer.isPermitted()) return undefined;
      return verified.issuer.keys.holds(verified.key) ? verified : undefined;
    },
    async verify(token, issuer, verify) {
      const shared = await once(token, verify);
      // A call that started before the `issuer` function was called again may have used other keys.
      return shared.issuer === issuer ? shared : verify();
    },
    keep(verified) {
      // Another request that shared the verification has already cached the token.
      if (cache.peek(cacheKeyOf(verified.token))?.claims === verified.claims) return;
      // Copied, because the string may be a slice that keeps all headers of its request in memory.
      const token = Buffer.from(verified.token, "latin1").toString("latin1");
      cache.set(cacheKeyOf(token), { ...verified, token }, { size: token.length });
    },
  };
}

function cacheKeyOf(token: string): string {
  return token.slice(-86, -43);
}
