import type { Buffer } from "node:buffer";
import type { JWK } from "jose";
import { decodeBase64url } from "../../values/base64url.ts";
import { type KeyShape, type SignatureAlgorithm, signatureAlgorithms } from "../../options/signature-algorithms.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { isSoundRsaKey } from "../../values/rsa-modulus.ts";

/**
 * Returns whether the members of a JWK describe a public key that can verify signatures.
 *
 * Checks type, curve, `alg`, `use`, `key_ops`, the absence of private members, and the lengths and encodings of the key
 * material. Does not check whether a point is on its curve or whether Node supports the key: the import fails in these
 * cases.
 *
 * @param jwk without a prototype
 */
export function isVerificationKey(jwk: JWK): boolean {
  const shape = Object.entries(signatureAlgorithms).find(([algorithm]) => fits(jwk, algorithm))?.[1];
  const isForSignatures = (jwk.use === undefined || jwk.use === "sig") && allowsVerification(jwk.key_ops);
  return shape !== undefined && isPublic(jwk) && isForSignatures && hasValidKeyMaterial(jwk, shape);
}

/** Returns whether the type, the curve and the `alg` of a JWK match an algorithm. */
export function fits(jwk: JWK, algorithm: string): boolean {
  const shape = Object.hasOwn(signatureAlgorithms, algorithm)
    ? signatureAlgorithms[algorithm as SignatureAlgorithm]
    : undefined;
  if (shape === undefined || jwk.kty !== shape.kty) return false;
  if (shape.crv !== undefined && jwk.crv !== shape.crv) return false;
  // RFC 9964: alg is required in keys of type AKP.
  return jwk.alg === undefined ? shape.kty !== "AKP" : jwk.alg === algorithm;
}

/** Returns a JWK with the given algorithm, the key material and no other members. */
export function keyMaterial({ kty, n, e, crv, x, y, pub }: JWK, algorithm: string): JWK {
  // jose treats undefined members as absent.
  return withoutPrototype({ kty, n, e, crv, x, y, pub, alg: algorithm } as JWK);
}

function isPublic({ d, p, q, dp, dq, qi, oth, k, priv }: JWK): boolean {
  return [d, p, q, dp, dq, qi, oth, k, priv].every((member) => member === undefined);
}

/**
 * Returns whether `key_ops` is absent, or is an array of strings without duplicates (RFC 7517 section 4.3) that contains
 * `verify`.
 */
function allowsVerification(operations: unknown): boolean {
  if (operations === undefined) return true;
  if (!Array.isArray(operations) || !operations.every((operation) => typeof operation === "string")) return false;
  return operations.includes("verify") && new Set(operations).size === operations.length;
}

function hasValidKeyMaterial(jwk: JWK, { kty, lengths }: KeyShape): boolean {
  const hasValidLengths = lengths.every(([name, length]) => decode(jwk[name])?.length === length);
  return hasValidLengths && (kty !== "RSA" || hasValidRsaNumbers(jwk));
}

function hasValidRsaNumbers({ n, e }: JWK): boolean {
  const [modulus, exponent] = [decode(n), decode(e)];
  return modulus !== undefined && exponent !== undefined && isSoundRsaKey(modulus, exponent);
}

function decode(member: unknown): Buffer | undefined {
  return typeof member === "string" ? decodeBase64url(member) : undefined;
}
