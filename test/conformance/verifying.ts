import {
  AccessTokenError,
  type AccessTokenErrorCode,
  createVerifier,
  type Verifier,
  type VerifierOptions,
} from "@certbound/core";
import { AUDIENCE, ISSUER, NOW, type Scene } from "./scene.ts";

/** How verifying a token ended. */
export type VerifyingOutcome = "accepted" | AccessTokenErrorCode;

/** Makes a verifier for one case alone: of the scene's issuer, but for what is given. */
export function verifierOf({ jwks }: Pick<Scene, "jwks">, options: VerifierOptions = {}): Verifier {
  return createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks, clock: () => NOW * 1000, ...options });
}

/** Waits for a verdict, and tells a refusal by its code; any other error is thrown on. */
export async function outcomeOf(verifying: Promise<unknown>): Promise<VerifyingOutcome> {
  try {
    await verifying;
    return "accepted";
  } catch (error) {
    if (error instanceof AccessTokenError) return error.code;
    throw error;
  }
}
