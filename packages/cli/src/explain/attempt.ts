import { AccessTokenError, createVerifier, type VerifierOptions, type VerifyOptions } from "@certbound/core";
import type { TokenReading } from "./token-reading.ts";

/** One question to core: this token, by these options. */
export interface Attempt {
  readonly token: string;
  readonly options: VerifierOptions;
  readonly use: VerifyOptions;
}

/** What a removal may look at beside the attempt that was refused. */
export interface RemovalContext {
  readonly token: TokenReading;
  /** Seconds since the epoch. */
  readonly now: number;
}

/**
 * Has core judge; undefined: it accepts.
 *
 * @throws TypeError when core refuses the options
 */
export async function judge({ token, options, use }: Attempt): Promise<AccessTokenError | undefined> {
  try {
    await createVerifier(options).verify(token, use);
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}
