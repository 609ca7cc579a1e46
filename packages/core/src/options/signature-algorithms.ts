/**
 * A signature algorithm that tokens may be signed with (RFC 7518, RFC 8037, RFC 9864, and ML-DSA if Node supports it).
 *
 * Symmetric algorithms and `none` are never accepted.
 */
export type SignatureAlgorithm =
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA"
  | "Ed25519"
  | "ML-DSA-44"
  | "ML-DSA-65"
  | "ML-DSA-87";

/** The members that the JWK of a key for an algorithm must have. */
export interface KeyShape {
  readonly kty: "RSA" | "EC" | "OKP" | "AKP";
  /** The curve of the algorithm (RFC 7518 section 3.4), if it has one. */
  readonly crv: string | undefined;
  /** The members with a fixed length, and their lengths in bytes. */
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
/** The keys of RFC 9964, with the lengths in FIPS 204 section 4. */
const lattice = (length: number): KeyShape => ({ kty: "AKP", crv: undefined, lengths: [["pub", length]] });

/** The supported signature algorithms, each with the shape of its keys. */
export const signatureAlgorithms: Readonly<Record<SignatureAlgorithm, KeyShape>> = {
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
