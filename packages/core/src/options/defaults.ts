/** The default values of the verifier's options, except the accepted token types (token-types.ts) and what a profile demands. */
export const defaults = {
  /** How far clocks may differ, in seconds. */
  clockTolerance: 5,
  /** How many verified tokens are cached. */
  verifiedTokens: 10_000,
  introspection: {
    /** How long a response of the issuer is cached, in seconds. */
    cacheDuration: 30,
  },
} as const;
