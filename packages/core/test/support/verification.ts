import { createIssuer, createSelfSignedCertificate, type Issuer } from "@certbound/testing";
import { afterAll, onTestFinished } from "vitest";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { createVerifier, type Verifier } from "../../src/verifier.ts";

/** Milliseconds since the epoch; tokens are issued and verified then. */
export const now = 2_000_000_000_000;

/** The same in the unit of claims. */
export const seconds = now / 1000;

/** Whoever the tokens are issued to. */
export const client = await createSelfSignedCertificate({ commonName: "client" });

/** Somebody else with a certificate. */
export const thief = await createSelfSignedCertificate({ commonName: "thief" });

/** Starts an issuer that lives as long as the tests of the file, or of the suite. */
export async function startIssuer(options: Parameters<typeof createIssuer>[0] = {}): Promise<Issuer> {
  const issuer = await createIssuer({ clock: () => now, ...options });
  afterAll(issuer.close);
  return issuer;
}

/** Starts an issuer that lives as long as the test. */
export async function startIssuerInTest(options: Parameters<typeof createIssuer>[0] = {}): Promise<Issuer> {
  const issuer = await createIssuer({ clock: () => now, ...options });
  onTestFinished(issuer.close);
  return issuer;
}

/** Creates a verifier of an issuer, which has its keys unless the options say where they are. */
export function verifierOf(issuer: Issuer, options: VerifierOptions = {}): Verifier {
  const { issuer: identifier, audience, jwks } = issuer;
  return createVerifier({ issuer: identifier, audience, jwks, clock: () => now, ...options });
}
