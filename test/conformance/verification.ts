import {
  AccessTokenError,
  type AccessTokenErrorCode,
  createVerifier,
  type Verifier,
  type VerifierOptions,
} from "@certbound/core";
import { AUDIENCE, ISSUER, NOW } from "./scene.ts";

/** The outcome of a verification: accepted, or the code of the rejection. */
export type VerificationOutcome = "accepted" | AccessTokenErrorCode;

/** Creates a verifier with default options, apart from the differences. */
export function verifierOf(differences: VerifierOptions): Verifier {
  return createVerifier({ issuer: ISSUER, audience: AUDIENCE, clock: () => NOW * 1000, ...differences });
}

/** Returns the outcome of a verification. An error that is not a rejection fails the test. */
export async function outcomeOf(verification: Promise<unknown>): Promise<VerificationOutcome> {
  try {
    await verification;
    return "accepted";
  } catch (error) {
    if (error instanceof AccessTokenError) return error.code;
    throw error;
  }
}

/** Verifies a token with the thumbprint of a client's certificate. */
export function verifyAs(
  { thumbprint }: { readonly thumbprint: string },
  verifier: Verifier,
  token: string,
): Promise<VerificationOutcome> {
  return outcomeOf(verifier.verify(token, { clientCertificate: { thumbprint } }));
}
