import { generateKeyPair } from "jose";
import type { SignatureAlgorithm } from "../../src/options/signature-algorithms.ts";

/** Every algorithm that a token may be signed with. */
export const algorithms: readonly SignatureAlgorithm[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "ML-DSA-44",
  "ML-DSA-65",
  "ML-DSA-87",
];

/** The algorithms that the running Node.js supports; ML-DSA needs Node.js 24. */
export const supported: ReadonlySet<SignatureAlgorithm> = new Set(
  (await Promise.all(algorithms.map(async (algorithm) => ((await isSupported(algorithm)) ? [algorithm] : [])))).flat(),
);

async function isSupported(algorithm: SignatureAlgorithm): Promise<boolean> {
  if (!algorithm.startsWith("ML-DSA")) return true;
  return generateKeyPair(algorithm).then(
    () => true,
    () => false,
  );
}
