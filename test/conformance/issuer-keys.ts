import { generateKeyPair, type JsonWebKey, type KeyObject, type KeyPairKeyObjectResult } from "node:crypto";
import { promisify } from "node:util";
import type { Algorithm } from "./signers.ts";

/** A key pair, and the JWK that the issuer publishes. */
export interface IssuerKey {
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey & { readonly kty: string; readonly kid: string; readonly alg: string; readonly use: "sig" };
}

/** The key pairs of an issuer by algorithm, each with a different kid. */
export type IssuerKeys<Name extends KeyName = KeyName> = { readonly [Each in Name]: IssuerKey };

/** The algorithms that an issuer of this suite has keys for. */
export type KeyName = keyof typeof generators;

const generate = promisify(generateKeyPair);

const generators = {
  ES256: () => generate("ec", { namedCurve: "P-256" }),
  ES384: () => generate("ec", { namedCurve: "P-384" }),
  RS256: () => generate("rsa", { modulusLength: 2048 }),
  PS256: () => generate("rsa", { modulusLength: 2048 }),
  Ed25519: () => generate("ed25519"),
} as const satisfies Partial<Record<Algorithm, () => Promise<KeyPairKeyObjectResult>>>;

/** Creates a key pair for an algorithm, of the issuer or of an attacker. */
async function createKey(algorithm: KeyName, kid: string): Promise<IssuerKey> {
  return issuerKey(await generators[algorithm](), { algorithm, kid });
}

/** Returns a key pair of any type, with a JWK for this algorithm. */
export function issuerKey(
  { privateKey, publicKey }: KeyPairKeyObjectResult,
  { algorithm, kid }: { readonly algorithm: Algorithm; readonly kid: string },
): IssuerKey {
  const { kty = "", ...rest } = publicKey.export({ format: "jwk" });
  return { algorithm, privateKey, publicKey, jwk: { kty, ...rest, kid, alg: algorithm, use: "sig" } };
}

/** Returns the JWK of a key without `alg`. */
export function jwkWithoutAlg({ jwk }: IssuerKey): Omit<IssuerKey["jwk"], "alg"> {
  const { alg: _alg, ...rest } = jwk;
  return rest;
}

/** Creates the key pairs of an issuer. A kid is the prefix followed by the algorithm. */
export async function createKeys<Name extends KeyName>(
  prefix: string,
  names: readonly Name[],
): Promise<IssuerKeys<Name>> {
  const entries = await Promise.all(names.map(async (name) => [name, await createKey(name, `${prefix}-${name}`)]));
  return Object.fromEntries(entries) as IssuerKeys<Name>;
}
