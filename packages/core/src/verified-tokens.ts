import { LRUCache } from "lru-cache";
import type { AccessTokenClaims } from "./access-token.ts";
import type { TokenHeader } from "./claims.ts";
import type { Issuer } from "./issuers.ts";
import type { VerificationKey } from "./keys/key-set.ts";
import { createSingleFlight } from "./single-flight.ts";
import { tokenDigest } from "./token-digest.ts";

/** What is known of a JWT for good once its signature was verified: no verdict on time, certificate or requirements. */
export interface VerifiedToken {
  readonly header: TokenHeader;
  readonly claims: AccessTokenClaims;
  readonly issuer: Issuer;
  /** The key that its signature was verified with. */
  readonly key: VerificationKey;
}

/** Verified tokens, each verified once: to verify one anew takes 50 times as long as to find and judge it again. */
export interface VerifiedTokens {
  /** Gives the name by which a token is known here. */
  nameOf(token: string): string;
  /** Finds a token whose issuer still has the key. */
  find(name: string): VerifiedToken | undefined;
  /** Verifies a token; those who ask for the same one meanwhile get the same answer. */
  verify(name: string, verify: () => Promise<VerifiedToken>): Promise<VerifiedToken>;
  /** Keeps a token that was found to be good in every respect; `length` is that of the token. */
  remember(name: string, length: number, verified: VerifiedToken): void;
}

/** How long a token is remembered, in milliseconds, whatever its own lifetime is. */
const MAX_AGE = 300_000;
/** How long the remembered tokens were in all, in characters. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Creates the memory of a verifier.
 *
 * The digest of the whole token is the key, so that nothing but that very token is found; refusals are not remembered.
 *
 * @param size how many tokens at most; 0 remembers none and shares nothing
 * @param elapsed milliseconds that only ever grow
 */
export function createVerifiedTokens(size: number, elapsed: () => number = () => performance.now()): VerifiedTokens {
  if (size === 0) {
    return { nameOf: () => "", find: () => undefined, verify: (_name, verify) => verify(), remember: () => undefined };
  }
  const remembered = new LRUCache<string, VerifiedToken>({
    max: size,
    maxSize: MAX_LENGTH,
    ttl: MAX_AGE,
    ttlResolution: 0,
    perf: { now: elapsed },
  });
  return {
    nameOf: tokenDigest,
    find(name) {
      const verified = remembered.get(name);
      return verified?.issuer.keys.holds(verified.key) ? verified : undefined;
    },
    verify: createSingleFlight(),
    remember(name, length, verified) {
      if (remembered.peek(name) !== verified) remembered.set(name, verified, { size: length });
    },
  };
}
