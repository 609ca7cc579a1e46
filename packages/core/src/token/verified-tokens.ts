import { Buffer } from "node:buffer";
import type { AccessTokenClaims } from "../access-token.ts";
import { createBoundedCache } from "../runtime/bounded-cache.ts";
import type { TokenHeader, TokenTimes } from "./claims.ts";
import type { Issuer } from "../issuer/issuers.ts";
import type { VerificationKey } from "../issuer/keys/key-set.ts";
import { createSingleFlight } from "../runtime/promises.ts";

/** What is known of a JWT for good once its signature was verified: no verdict on time, certificate or requirements. */
export interface VerifiedToken {
  readonly token: string;
  readonly header: TokenHeader;
  readonly claims: AccessTokenClaims;
  readonly times: TokenTimes;
  readonly issuer: Issuer;
  /** The key that its signature was verified with. */
  readonly key: VerificationKey;
}

/**
 * Verified tokens, which need not be verified for each request: to verify one anew takes 50 times as long as to find and
 * judge it again.
 */
export interface VerifiedTokens {
  /** Finds a token whose issuer is still permitted, and still has the key. */
  find(token: string): VerifiedToken | undefined;
  /** Verifies a token; concurrent calls with the same token and issuer share one verification. */
  verify(token: string, issuer: Issuer, verify: () => Promise<VerifiedToken>): Promise<VerifiedToken>;
  /** Keeps a token that was verified, and not rejected for its claims or its binding. */
  keep(verified: VerifiedToken): void;
}

/** How long a token is kept, in milliseconds, whatever its own lifetime is. */
const MAX_AGE = 300_000;
/** How long the kept tokens are in all, in characters. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Creates the cache of a verifier. Rejections are not kept.
 *
 * An entry is found by 43 characters of the signature and then compared with the whole token, which takes a quarter of the
 * time of a digest. Not by the last characters: those of an ML-DSA signature repeat.
 *
 * @param size how many tokens at most; 0 keeps none and shares nothing
 * @param elapsed milliseconds that only ever grow
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
      const verified = cache.get(nameOf(token));
      if (verified?.token !== token || !verified.issuer.isPermitted()) return undefined;
      return verified.issuer.keys.holds(verified.key) ? verified : undefined;
    },
    async verify(token, issuer, verify) {
      const shared = await once(token, verify);
      // Begun before the permission of an issuer was renewed: its keys may be others now.
      return shared.issuer === issuer ? shared : verify();
    },
    keep(verified) {
      // Kept by another request that shared the verification.
      if (cache.peek(nameOf(verified.token))?.claims === verified.claims) return;
      // A copy: the text may be a slice that keeps all headers of its request in memory.
      const token = Buffer.from(verified.token, "latin1").toString("latin1");
      cache.set(nameOf(token), { ...verified, token }, { size: token.length });
    },
  };
}

function nameOf(token: string): string {
  return token.slice(-86, -43);
}
