import { AccessTokenError, createVerifier, type JsonWebKeySet, type VerifierOptions } from "@certbound/core";
import type { Exchange } from "../inputs/issuer-exchanges.ts";

/** The keys of the configured issuer, or why there are none. */
export interface IssuerKeys {
  readonly keys: JsonWebKeySet | undefined;
  readonly failure: AccessTokenError | undefined;
}

/** Has core find the keys of the configured issuer, and takes them from what it was answered. */
export async function findKeys(options: VerifierOptions, exchanges: readonly Exchange[]): Promise<IssuerKeys> {
  if (typeof options.jwks === "object" && !(options.jwks instanceof URL))
    return { keys: options.jwks, failure: undefined };
  try {
    await createVerifier(options).ready();
  } catch (error) {
    if (error instanceof AccessTokenError) return { keys: undefined, failure: error };
    throw error;
  }
  // The last answer is that of the key set: core has just accepted it.
  return { keys: JSON.parse(exchanges.at(-1)?.body ?? "") as JsonWebKeySet, failure: undefined };
}
