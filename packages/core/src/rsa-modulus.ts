import { withoutPrototype } from "./object-member.ts";

const MIN_RSA_MODULUS = 2048;

/**
 * Tells whether an RSA key has 2048 bits at least (RFC 7518 section 3.3), by its details as Node gives them; keys of other
 * types have no modulus.
 */
export function isLongEnough(details: object | undefined): boolean {
  const { modulusLength = MIN_RSA_MODULUS } = withoutPrototype<{ readonly modulusLength?: number }>({ ...details });
  return modulusLength >= MIN_RSA_MODULUS;
}
