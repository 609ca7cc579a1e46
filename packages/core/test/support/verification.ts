import { createIssuer, createSelfSignedCertificate, type Issuer } from "@certbound/testing";
import { afterAll, onTestFinished } from "vitest";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { createVerifier, type Verifier } from "../../src/verifier.ts";

/** The time at which tokens are issued and verified, in milliseconds since the epoch. */
export const now = 2_000_000_000_000;

/** The same time in seconds, as in claims. */
export const seconds = now / 1000;

/** The client that the tokens are issued to. */
export const client = await createSelfSignedCertificate({ commonName: "client" });

/** Another client with a certificate. */
export const thief = await createSelfSignedCertificate({ commonName: "thief" });

/** Starts an issuer that is closed after the tests of the file or the suite. */
export async function startIssuer(options: Parameters<typeof createIssuer>[0] = {}): Promise<Issuer> {
  const issuer = await createIssuer({ clock: () => now, ...options });
  afterAll(issuer.close);
  return issuer;
}

/** Starts an issuer that is closed after the test. */
export async function startIssuerInTest(options: Parameters<typeof createIssuer>[0] = {}): Promise<Issuer> {
  const issuer = await createIssuer({ clock: () => now, ...options });
  onTestFinished(issuer.close);
  return issuer;
}

/** Creates a verifier for an issuer, by default with its current keys. */
export function verifierOf(issuer: Issuer, options: VerifierOptions = {}): Verifier {
  const { issuer: identifier, audience, jwks } = issuer;
  return createVerifier({ issuer: identifier, audience, jwks, clock: () => now, ...options });
}
