import { KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import type { GenerateKeyPairResult, JWK } from "jose";
import type { AsymmetricAlgorithm } from "./signature-algorithm.ts";

/** A key pair of an issuer: the private key signs, the public key is published. */
export interface SigningKey {
  readonly algorithm: AsymmetricAlgorithm;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

/**
 * Generates a key pair, whose `kid` is the JWK thumbprint (RFC 7638).
 *
 * @throws Error if the running version of Node.js does not support the algorithm
 */
export async function generateSigningKey(algorithm: AsymmetricAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeys(algorithm);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    algorithm,
    kid,
    privateKey: KeyObject.from(privateKey),
    publicJwk: { ...jwk, kid, alg: algorithm, use: "sig" },
  };
}

/** Generates a different key pair with the same algorithm and `kid`. */
export async function generateImpostorKey({ algorithm, kid }: SigningKey): Promise<SigningKey> {
  return { ...(await generateSigningKey(algorithm)), kid };
}

/**
 * Returns the key for an algorithm, or the first key if `algorithm` is undefined.
 *
 * @throws TypeError for an algorithm without a key
 */
export function chooseKey(keys: readonly SigningKey[], algorithm?: string): SigningKey {
  const key = keys.find((candidate) => algorithm === undefined || candidate.algorithm === algorithm);
  if (key === undefined) throw new TypeError(`The issuer has no key for ${String(algorithm)}`);
  return key;
}

async function generateKeys(algorithm: AsymmetricAlgorithm): Promise<GenerateKeyPairResult> {
  try {
    return await generateKeyPair(algorithm, { extractable: true });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "NotSupportedError") throw error;
    throw new Error(`Node.js ${process.version} does not support ${algorithm} keys`, { cause: error });
  }
}
