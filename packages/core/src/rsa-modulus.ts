const MIN_RSA_MODULUS = 2048;

/** Tells whether an RSA key has 2048 bits at least (RFC 7518 section 3.3); keys of other types have no modulus. */
export function isLongEnough(modulusLength: number | undefined): boolean {
  return modulusLength === undefined || modulusLength >= MIN_RSA_MODULUS;
}
