import type { Buffer } from "node:buffer";
import { withoutPrototype } from "./object-member.ts";

/** The minimum length of the modulus of an RSA key, in bits. */
export const MIN_RSA_MODULUS = 2048;

/**
 * Tells whether an RSA key has 2048 bits at least (RFC 7518 section 3.3), by its details as Node gives them; keys of other
 * types have no modulus.
 */
export function isLongEnough(details: object | undefined): boolean {
  const { modulusLength = MIN_RSA_MODULUS } = withoutPrototype<{ readonly modulusLength?: number }>({ ...details });
  return modulusLength >= MIN_RSA_MODULUS;
}

/**
 * Tells whether an RSA public key is one that a signature may be verified with: a modulus of 2048 bits at least, and an
 * exponent of 3 at least, both odd. Leading zero bytes do not count.
 *
 * With the exponent 1, a signature is the padded hash itself, which anyone can write.
 */
export function isSoundRsaKey(modulus: Buffer, exponent: Buffer): boolean {
  const isLong = bitLength(modulus) >= MIN_RSA_MODULUS && bitLength(exponent) > 1;
  return isLong && isOdd(modulus) && isOdd(exponent);
}

/** The length of a big-endian number, without leading zeros. */
function bitLength(bytes: Buffer): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1) return 0;
  const leadingZeros = Math.clz32(bytes.readUInt8(first)) - 24;
  return (bytes.length - first) * 8 - leadingZeros;
}

/** @param bytes at least one */
function isOdd(bytes: Buffer): boolean {
  return bytes.readUInt8(bytes.length - 1) % 2 === 1;
}
