import { AccessTokenError, createVerifier, type JsonWebKeySet, type VerifierOptions } from "@certbound/core";
import type { Exchange } from "../inputs/issuer-exchanges.ts";

/** The keys of the configured issuer, or why there are none. */
export interface IssuerKeys {
  readonly keys: JsonWebKeySet | undefined;
  readonly failure: AccessTokenError | undefined;
}

/** What is known of the keys once core has judged. */
export interface KeysSought {
  readonly options: VerifierOptions;
  /** What core said. */
  readonly first: AccessTokenError | undefined;
  /** What it asked the issuer, and goes on asking. */
  readonly exchanges: readonly Exchange[];
}

/** Takes the keys of the configured issuer from what core was answered; it is asked once, whether core came to it or not. */
export async function findKeys({ options, first, exchanges }: KeysSought): Promise<IssuerKeys> {
  const { jwks } = options;
  if (typeof jwks === "object" && !(jwks instanceof URL)) return { keys: jwks, failure: undefined };
  const failure = exchanges.length === 0 ? await fetchFailure(options) : first;
  if (failure?.code === "ERR_KEYS_UNAVAILABLE") return { keys: undefined, failure };
  // The last answer is that of the key set: core has just accepted it.
  return { keys: JSON.parse(exchanges.at(-1)?.body ?? "") as JsonWebKeySet, failure: undefined };
}

async function fetchFailure(options: VerifierOptions): Promise<AccessTokenError | undefined> {
  try {
    await createVerifier(options).ready();
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}
