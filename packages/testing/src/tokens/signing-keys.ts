import { KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import type { GenerateKeyPairResult, JWK } from "jose";
import type { AsymmetricAlgorithm } from "./signature-algorithm.ts";

/** Holds a key pair of an issuer: the private half to sign with, the public half to publish. */
export interface SigningKey {
  readonly algorithm: AsymmetricAlgorithm;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

/**
 * Generates a key pair; its key id is the thumbprint of RFC 7638.
 *
 * @throws Error when the running Node.js does not have the algorithm
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

/** Generates a key pair of the same algorithm, under the same key id: a token that it signs names a key that it lacks. */
export async function generateImpostorKey({ algorithm, kid }: SigningKey): Promise<SigningKey> {
  return { ...(await generateSigningKey(algorithm)), kid };
}

/**
 * Chooses the key of an algorithm, or the first one if none is wanted.
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
    throw new Error(`Node.js ${process.version} has no ${algorithm} keys`, { cause: error });
  }
}
