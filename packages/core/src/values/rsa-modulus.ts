import type { Buffer } from "node:buffer";
import { withoutPrototype } from "./object-member.ts";

/** The minimum length of the modulus of an RSA key, in bits. */
export const MIN_RSA_MODULUS = 2048;

/**
 * Returns whether an RSA key has at least 2048 bits (RFC 7518 section 3.3). True for keys of other types.
 *
 * @param details `asymmetricKeyDetails` of a KeyObject, or `algorithm` of a CryptoKey
 */
export function hasLongEnoughModulus(details: object | undefined): boolean {
  const { modulusLength = MIN_RSA_MODULUS } = withoutPrototype<{ readonly modulusLength?: number }>({ ...details });
  return modulusLength >= MIN_RSA_MODULUS;
}

/**
 * Returns whether an RSA public key is strong enough to verify signatures: a modulus of at least 2048 bits and an exponent of
 * at least 3, both odd. Ignores leading zero bytes.
 *
 * With the exponent 1, anyone can compute a signature: it is the padded hash itself.
 */
export function isSoundRsaKey(modulus: Buffer, exponent: Buffer): boolean {
  const isLong = bitLength(modulus) >= MIN_RSA_MODULUS && bitLength(exponent) > 1;
  return isLong && isOdd(modulus) && isOdd(exponent);
}

/** Returns the length of a big-endian number in bits, without leading zeros. */
function bitLength(bytes: Buffer): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1) return 0;
  const leadingZeros = Math.clz32(bytes.readUInt8(first)) - 24;
  return (bytes.length - first) * 8 - leadingZeros;
}

/** @param bytes at least one byte */
function isOdd(bytes: Buffer): boolean {
  return bytes.readUInt8(bytes.length - 1) % 2 === 1;
}
