import { createPublicKey } from "node:crypto";
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { JsonWebKeySet, SignatureAlgorithm } from "../configuration.ts";
import { withoutPrototype } from "../object-member.ts";
import { isLongEnough } from "../rsa-modulus.ts";

/** The keys of an issuer at one time. */
export interface KeySet {
  /** How many keys can verify signatures. */
  readonly size: number;
  /** Lists the keys that fit a header: `kid` when it names one, type, curve, `use`, `key_ops`, `alg`. */
  find(header: KeyHeader): readonly VerificationKey[];
  /** Tells whether a key, which may come from an earlier set, is in this one. */
  holds(key: VerificationKey): boolean;
  /** The keys by their JWK as text: another set of the same key has the same object. */
  readonly keys: ReadonlyMap<string, VerificationKey>;
}

/** What of a token's header chooses a key. */
export interface KeyHeader {
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

/** A public key that fits a token. */
export interface VerificationKey {
  /** Imports the key, once for each algorithm; undefined when Node cannot use it. */
  importFor(algorithm: string): Promise<CryptoKey | undefined>;
}

type KeyShape =
  | { readonly kty: "RSA" | "AKP"; readonly crv: undefined }
  | { readonly kty: "EC" | "OKP"; readonly crv: string };

const rsa: KeyShape = { kty: "RSA", crv: undefined };
const edwards: KeyShape = { kty: "OKP", crv: "Ed25519" };
const lattice: KeyShape = { kty: "AKP", crv: undefined };

/** The curve is fixed by the algorithm (RFC 7518 section 3.4). */
const shapes: Readonly<Record<SignatureAlgorithm, KeyShape>> = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: edwards,
  Ed25519: edwards,
  "ML-DSA-44": lattice,
  "ML-DSA-65": lattice,
  "ML-DSA-87": lattice,
};

/**
 * Reads a key set; keys that cannot verify a signature are skipped: encryption keys, symmetric and private ones, those of
 * unknown types, weak RSA keys, points off the curve. Key material in a token's header plays no part, ever (RFC 8725
 * section 3.10).
 *
 * @param previous the set that this one replaces: a key that did not change stays the same object, imported already
 */
export function createKeySet({ keys }: JsonWebKeySet, previous?: KeySet): KeySet {
  const usable = keys.flatMap((given) => {
    const jwk = withoutPrototype(given);
    const text = JSON.stringify(jwk);
    const known = previous?.keys.get(text);
    // To look at a key again costs as much as a signature, and there may be thousands.
    return known !== undefined || isVerificationKey(jwk) ? [{ jwk, text, key: known ?? verificationKey(jwk) }] : [];
  });
  const byKeyId = new Map<string, typeof usable>();
  for (const entry of usable) {
    if (typeof entry.jwk.kid === "string") byKeyId.set(entry.jwk.kid, [...(byKeyId.get(entry.jwk.kid) ?? []), entry]);
  }
  const held = new Set(usable.map(({ key }) => key));
  return {
    size: usable.length,
    keys: new Map(usable.map(({ text, key }) => [text, key])),
    find({ algorithm, keyId }) {
      const candidates = keyId === undefined ? usable : (byKeyId.get(keyId) ?? []);
      return candidates.filter(({ jwk }) => fits(jwk, algorithm)).map(({ key }) => key);
    },
    holds: (key) => held.has(key),
  };
}

function isVerificationKey(jwk: JWK): boolean {
  const isPublic = jwk.d === undefined && jwk.priv === undefined && jwk.k === undefined;
  const verifies = jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes("verify"));
  const fitsAny = Object.keys(shapes).some((algorithm) => fits(jwk, algorithm));
  return isPublic && verifies && (jwk.use === undefined || jwk.use === "sig") && fitsAny && isSound(jwk);
}

/** Tells whether Node can use the key at all, and it is long enough. */
function isSound(jwk: JWK): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey(
      withoutPrototype({ key: keyMaterial(jwk), format: "jwk" } as const),
    );
    return isLongEnough(asymmetricKeyDetails);
  } catch {
    return false;
  }
}

/** Only what makes up the key: other members play no part in verifying. */
function keyMaterial({ kty, n, e, crv, x, y, pub, alg }: JWK): JWK {
  const parts = Object.entries({ kty, n, e, crv, x, y, pub, alg }).filter(([, value]) => value !== undefined);
  return withoutPrototype(Object.fromEntries(parts));
}

function fits(jwk: JWK, algorithm: string): boolean {
  const shape = Object.hasOwn(shapes, algorithm) ? shapes[algorithm as SignatureAlgorithm] : undefined;
  if (shape === undefined || jwk.kty !== shape.kty) return false;
  if (shape.crv !== undefined && jwk.crv !== shape.crv) return false;
  // RFC 9964: a key of type AKP says for which algorithm it is.
  return jwk.alg === undefined ? shape.kty !== "AKP" : jwk.alg === algorithm;
}

function verificationKey(jwk: JWK): VerificationKey {
  const imported = new Map<string, Promise<CryptoKey | undefined>>();
  return {
    importFor(algorithm) {
      const known = imported.get(algorithm) ?? importPublicKey(jwk, algorithm);
      imported.set(algorithm, known);
      return known;
    },
  };
}

async function importPublicKey(jwk: JWK, algorithm: string): Promise<CryptoKey | undefined> {
  try {
    // Bytes are what symmetric keys become, which are not looked up here.
    return (await importJWK(withoutPrototype({ ...keyMaterial(jwk), alg: algorithm }), algorithm)) as CryptoKey;
  } catch {
    // Of a type that WebCrypto does not have in this version of Node.
    return undefined;
  }
}
