import {
  AccessTokenError,
  type AccessTokenErrorCode,
  createVerifier,
  type Verifier,
  type VerifierOptions,
} from "@certbound/core";
import { AUDIENCE, ISSUER, NOW } from "./scene.ts";

/** What came of a token: accepted, or the code of the rejection. */
export type VerificationOutcome = "accepted" | AccessTokenErrorCode;

/** Creates a verifier of the plainest options, but for what is given. */
export function verifierOf(differences: VerifierOptions): Verifier {
  return createVerifier({ issuer: ISSUER, audience: AUDIENCE, clock: () => NOW * 1000, ...differences });
}

/** Waits for a verification; what is no rejection fails the test. */
export async function outcomeOf(verification: Promise<unknown>): Promise<VerificationOutcome> {
  try {
    await verification;
    return "accepted";
  } catch (error) {
    if (error instanceof AccessTokenError) return error.code;
    throw error;
  }
}

/** Verifies a token that comes with the certificate of a client. */
export function verifyAs(
  { thumbprint }: { readonly thumbprint: string },
  verifier: Verifier,
  token: string,
): Promise<VerificationOutcome> {
  return outcomeOf(verifier.verify(token, { clientCertificate: { thumbprint } }));
}
