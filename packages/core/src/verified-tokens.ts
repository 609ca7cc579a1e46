import type { AccessTokenClaims } from "./access-token.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import type { TokenHeader, TokenTimes } from "./claims.ts";
import type { Issuer } from "./issuers.ts";
import type { VerificationKey } from "./keys/key-set.ts";
import type { PresentedToken } from "./presented-token.ts";
import { createSingleFlight } from "./single-flight.ts";

/** What is known of a JWT for good once its signature was verified: no verdict on time, certificate or requirements. */
export interface VerifiedToken {
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
  /** Finds a token whose issuer still has the key. */
  find(token: PresentedToken): VerifiedToken | undefined;
  /** Verifies a token; those who ask for the same one meanwhile get the same answer. */
  verify(token: PresentedToken, verify: () => Promise<VerifiedToken>): Promise<VerifiedToken>;
  /** Keeps a token that was verified, and not rejected for its claims or its binding. */
  remember(token: PresentedToken, verified: VerifiedToken): void;
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
    return { find: () => undefined, verify: (_token, verify) => verify(), remember: () => undefined };
  }
  const remembered = createBoundedCache<VerifiedToken>({
    max: size,
    maxSize: MAX_LENGTH,
    ttl: MAX_AGE,
    ttlResolution: 0,
    perf: { now: elapsed },
  });
  const verifyOnce = createSingleFlight<VerifiedToken>();
  return {
    find(token) {
      // What does not look like a JWT is not looked for: to name garbage would double what it costs.
      const verified = token.isOpaque ? undefined : remembered.get(token.name());
      return verified?.issuer.keys.holds(verified.key) ? verified : undefined;
    },
    verify: (token, verify) => verifyOnce(token.name(), verify),
    remember(token, verified) {
      const name = token.name();
      if (remembered.peek(name) !== verified) remembered.set(name, verified, { size: token.text.length });
    },
  };
}
