/** The default values of the verifier's options, except the accepted token types (token-types.ts) and the rules of a profile. */
export const defaults = {
  /** How far clocks may differ, in seconds. */
  clockTolerance: 5,
  /** The maximum number of verified tokens in the cache. */
  verifiedTokens: 10_000,
  introspection: {
    /** How long a response of the issuer is cached, in seconds. */
    cacheDuration: 30,
  },
} as const;
