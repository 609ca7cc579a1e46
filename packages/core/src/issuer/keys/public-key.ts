import type { Buffer } from "node:buffer";
import type { JWK } from "jose";
import { decodeBase64url } from "../../values/base64url.ts";
import type { SignatureAlgorithm } from "../../options/configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { isSoundRsaKey } from "../../values/rsa-modulus.ts";

/** What the JWK of a key for an algorithm looks like. */
export interface KeyShape {
  readonly kty: "RSA" | "EC" | "OKP" | "AKP";
  /** The curve is fixed by the algorithm (RFC 7518 section 3.4). */
  readonly crv: string | undefined;
  /** The members of a fixed length, in bytes. */
  readonly lengths: readonly (readonly ["x" | "y" | "pub", number])[];
}

const rsa: KeyShape = { kty: "RSA", crv: undefined, lengths: [] };
const edwards: KeyShape = { kty: "OKP", crv: "Ed25519", lengths: [["x", 32]] };
const elliptic = (crv: string, length: number): KeyShape => ({
  kty: "EC",
  crv,
  lengths: [
    ["x", length],
    ["y", length],
  ],
});
/** RFC 9964, with the lengths of FIPS 204 section 4. */
const lattice = (length: number): KeyShape => ({ kty: "AKP", crv: undefined, lengths: [["pub", length]] });

/** The signature algorithms, each with the shape of its keys. */
export const shapes: Readonly<Record<SignatureAlgorithm, KeyShape>> = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: elliptic("P-256", 32),
  ES384: elliptic("P-384", 48),
  ES512: elliptic("P-521", 66),
  EdDSA: edwards,
  Ed25519: edwards,
  "ML-DSA-44": lattice(1312),
  "ML-DSA-65": lattice(1952),
  "ML-DSA-87": lattice(2592),
};

/**
 * Tells whether a JWK is a public key that can verify signatures, as far as its members show it: type, curve, `alg`, `use`,
 * `key_ops`, private members, and the lengths and encodings of the members that make up the key.
 *
 * It does no cryptography: whether a point is on its curve, and whether Node can use the key, only importing the key shows.
 *
 * @param jwk without a prototype
 */
export function isVerificationKey(jwk: JWK): boolean {
  const shape = Object.entries(shapes).find(([algorithm]) => fits(jwk, algorithm))?.[1];
  const isForSignatures = (jwk.use === undefined || jwk.use === "sig") && mayVerify(jwk.key_ops);
  return shape !== undefined && isPublic(jwk) && isForSignatures && isSound(jwk, shape);
}

/** Tells whether a JWK is for an algorithm, by its type, its curve and `alg`. */
export function fits(jwk: JWK, algorithm: string): boolean {
  const shape = Object.hasOwn(shapes, algorithm) ? shapes[algorithm as SignatureAlgorithm] : undefined;
  if (shape === undefined || jwk.kty !== shape.kty) return false;
  if (shape.crv !== undefined && jwk.crv !== shape.crv) return false;
  // RFC 9964: a key of type AKP says for which algorithm it is.
  return jwk.alg === undefined ? shape.kty !== "AKP" : jwk.alg === algorithm;
}

/** Copies only what makes up the key, for one algorithm: other members play no part in verifying. */
export function keyMaterial({ kty, n, e, crv, x, y, pub }: JWK, algorithm: string): JWK {
  // A member that is undefined counts as absent there.
  return withoutPrototype({ kty, n, e, crv, x, y, pub, alg: algorithm } as JWK);
}

function isPublic({ d, p, q, dp, dq, qi, oth, k, priv }: JWK): boolean {
  return [d, p, q, dp, dq, qi, oth, k, priv].every((member) => member === undefined);
}

/** RFC 7517 section 4.3: an array of strings, without duplicates. */
function mayVerify(operations: unknown): boolean {
  if (operations === undefined) return true;
  if (!Array.isArray(operations) || !operations.every((operation) => typeof operation === "string")) return false;
  return operations.includes("verify") && new Set(operations).size === operations.length;
}

function isSound(jwk: JWK, { kty, lengths }: KeyShape): boolean {
  const isWhole = lengths.every(([name, length]) => decoded(jwk[name])?.length === length);
  return isWhole && (kty !== "RSA" || hasSoundNumbers(jwk));
}

function hasSoundNumbers({ n, e }: JWK): boolean {
  const [modulus, exponent] = [decoded(n), decoded(e)];
  return modulus !== undefined && exponent !== undefined && isSoundRsaKey(modulus, exponent);
}

function decoded(member: unknown): Buffer | undefined {
  return typeof member === "string" ? decodeBase64url(member) : undefined;
}
