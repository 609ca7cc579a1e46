import { constants, createHmac, sign } from "node:crypto";
import type { KeyObject, SigningOptions } from "node:crypto";

/** The JWS algorithms that the kit supports. */
export type SignatureAlgorithm = "HS256" | "HS384" | "HS512" | AsymmetricAlgorithm;

/** The JWS algorithms with a key pair, which an issuer can use. */
export type AsymmetricAlgorithm =
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

interface Scheme {
  readonly keyType: string;
  readonly sign: (bytes: Uint8Array, key: KeyObject) => Buffer;
}

/**
 * Returns the wanted algorithm if it uses this key type (for EC keys, on any curve); otherwise the default algorithm of the
 * key.
 *
 * @throws TypeError for a key that none of the supported algorithms uses
 */
export function chooseAlgorithm(key: KeyObject, wanted: unknown): SignatureAlgorithm {
  const keyType = key.asymmetricKeyType ?? "secret";
  if (isSignatureAlgorithm(wanted) && schemes[wanted].keyType === keyType) return wanted;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const defaultAlgorithm = defaultAlgorithms[curve ?? keyType];
  if (defaultAlgorithm === undefined) {
    const kind = curve === undefined ? keyType : `${keyType}, ${curve}`;
    throw new TypeError(`The test kit supports no JWS algorithm for this key (${kind})`);
  }
  return defaultAlgorithm;
}

/** Signs bytes with the algorithm. */
export function signBytes(bytes: Uint8Array, algorithm: SignatureAlgorithm, key: KeyObject): Buffer {
  return schemes[algorithm].sign(bytes, key);
}

/** Returns true for an algorithm with a key pair. */
export function isAsymmetricAlgorithm(value: unknown): value is AsymmetricAlgorithm {
  return isSignatureAlgorithm(value) && schemes[value].keyType !== "secret";
}

function isSignatureAlgorithm(value: unknown): value is SignatureAlgorithm {
  return typeof value === "string" && Object.hasOwn(schemes, value);
}

const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
const pss = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
};
const concatenated = { dsaEncoding: "ieee-p1363" } as const;

const schemes: Readonly<Record<SignatureAlgorithm, Scheme>> = {
  HS256: hmac("sha256"),
  HS384: hmac("sha384"),
  HS512: hmac("sha512"),
  RS256: keyPair("rsa", "sha256", pkcs1),
  RS384: keyPair("rsa", "sha384", pkcs1),
  RS512: keyPair("rsa", "sha512", pkcs1),
  PS256: keyPair("rsa", "sha256", pss),
  PS384: keyPair("rsa", "sha384", pss),
  PS512: keyPair("rsa", "sha512", pss),
  ES256: keyPair("ec", "sha256", concatenated),
  ES384: keyPair("ec", "sha384", concatenated),
  ES512: keyPair("ec", "sha512", concatenated),
  EdDSA: keyPair("ed25519"),
  Ed25519: keyPair("ed25519"),
  "ML-DSA-44": keyPair("ml-dsa-44"),
  "ML-DSA-65": keyPair("ml-dsa-65"),
  "ML-DSA-87": keyPair("ml-dsa-87"),
};

/** Keyed by curve for EC keys, otherwise by key type. */
const defaultAlgorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  secret: "HS256",
  rsa: "RS256",
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
  ed25519: "EdDSA",
  "ml-dsa-44": "ML-DSA-44",
  "ml-dsa-65": "ML-DSA-65",
  "ml-dsa-87": "ML-DSA-87",
};

function hmac(hash: string): Scheme {
  return {
    keyType: "secret",
    sign: (bytes, key) => createHmac(hash, key).update(bytes).digest(),
  };
}

function keyPair(keyType: string, hash: string | null = null, options: SigningOptions = {}): Scheme {
  return { keyType, sign: (bytes, key) => sign(hash, bytes, { key, ...options }) };
}
