import { constants, createHmac, type KeyObject, sign } from "node:crypto";

/** Makes the third part of a token from the first two: a valid signature or a forged one. */
export type Signer = (input: Buffer, key: KeyObject) => Buffer;

/** The algorithms with which this suite can make valid signatures. */
export type Algorithm = keyof typeof signers;

/** The order n of the base point of P-256 (FIPS 186-5). */
const ORDER_OF_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The order L of the base point of edwards25519 (RFC 8032 section 5.1). */
const ORDER_OF_EDWARDS25519 = 2n ** 252n + 27742317777372353535851937790883648493n;

/** Makes valid signatures (RFC 7518 section 3, RFC 8037 section 3.1). */
export const signers = {
  RS256: pkcs1("sha256"),
  RS384: pkcs1("sha384"),
  RS512: pkcs1("sha512"),
  PS256: pss("sha256", 32),
  PS384: pss("sha384", 48),
  PS512: pss("sha512", 64),
  ES256: ecdsa("sha256"),
  ES384: ecdsa("sha384"),
  ES512: ecdsa("sha512"),
  EdDSA: edwards,
  Ed25519: edwards,
} as const satisfies Readonly<Record<string, Signer>>;

/** RSASSA-PKCS1-v1_5 with this hash in the DigestInfo, regardless of the header. */
export function pkcs1(hash: string): Signer {
  return (input, key) => sign(hash, input, { key, padding: constants.RSA_PKCS1_PADDING });
}

/** RSASSA-PSS with a salt of this length in bytes. */
export function pss(hash: string, saltLength: number): Signer {
  return (input, key) => sign(hash, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
}

/** ECDSA in the encoding of JWS, R followed by S, or in the DER encoding of X.509. */
export function ecdsa(hash: string, dsaEncoding: "ieee-p1363" | "der" = "ieee-p1363"): Signer {
  return (input, key) => sign(hash, input, { key, dsaEncoding });
}

/** Ed25519 or Ed448, depending on the key. */
function edwards(input: Buffer, key: KeyObject): Buffer {
  return sign(null, input, key);
}

/** HMAC with any bytes as the secret, for example those of a public key. */
export function hmac(hash: string, secret: Uint8Array | string): Signer {
  return (input) => createHmac(hash, secret).update(input).digest();
}

/** Always these bytes: an empty signature, or one that a broken verifier accepts for every message. */
export function constant(bytes: Uint8Array): Signer {
  return () => Buffer.from(bytes);
}

/** Changes the signature of another signer. */
export function changed(signer: Signer, change: (signature: Buffer) => Uint8Array): Signer {
  return (input, key) => Buffer.from(change(signer(input, key)));
}

/** Replaces s by n - s: the second ECDSA signature on P-256 of the same message, which can be made without the key. */
export function withNegatedS(signature: Uint8Array): Buffer {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString("hex")}`);
  const negated = (ORDER_OF_P256 - s).toString(16).padStart(64, "0");
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(negated, "hex")]);
}

/** Adds L to S: another Ed25519 signature that satisfies the equation, and that RFC 8032 section 5.1.7 rejects. */
export function withAddedOrder(signature: Uint8Array): Buffer {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString("hex")}`);
  const added = (s + ORDER_OF_EDWARDS25519).toString(16).padStart(64, "0");
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(added, "hex").toReversed()]);
}
