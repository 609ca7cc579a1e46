import { setImmediate } from "node:timers/promises";
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { JsonWebKeySet } from "../../options/configuration.ts";
import { hasInheritedData, withoutPrototype } from "../../values/object-member.ts";
import { fits, isVerificationKey, keyMaterial } from "./public-key.ts";

/** The keys of an issuer. */
export interface KeySet {
  /** The number of keys that can verify signatures, according to their members. */
  readonly size: number;
  /** Why the whole set is rejected, as the end of the sentence "the key set ..."; undefined if it can be used. */
  readonly problem: string | undefined;
  /**
   * Returns the keys that match a header by type, curve, `use`, `key_ops`, `alg` and, if the header has one, `kid`. Omits
   * keys whose import has failed.
   */
  find(header: KeyHeader): readonly VerificationKey[];
  /** Returns whether this set contains a key. The key may be an object from the previous set. */
  holds(key: VerificationKey): boolean;
  /**
   * Maps the JSON of each JWK to its key. A later set that is created with this set as `previous` reuses the key objects.
   */
  readonly keys: ReadonlyMap<string, VerificationKey>;
}

/** The members of a token's header that select a key. */
export interface KeyHeader {
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

/** A public key that can verify signatures. */
export interface VerificationKey {
  /** Imports the key, once for each algorithm. Resolves with undefined if Node cannot use the key. */
  importFor(algorithm: string): Promise<CryptoKey | undefined>;
  /** Returns whether an earlier import for the algorithm has failed. */
  isUnusableFor(algorithm: string): boolean;
}

interface KeyEntry {
  readonly jwk: JWK;
  /** The JSON of the JWK. */
  readonly text: string;
  readonly key: VerificationKey;
}

/** The maximum number of keys that can verify signatures in one set. */
export const MAX_KEYS = 1000;

/** The number of keys that are checked before {@link readKeySet} yields to the event loop. */
const BATCH = 100;

/**
 * Creates a key set from JWKs. Skips keys that cannot verify a signature: encryption keys, symmetric and private keys, keys of
 * unknown types, weak RSA keys, and keys with members of a wrong length or encoding. Key material in a token's header is never
 * used (RFC 8725 section 3.10).
 *
 * Checks type, curve, `alg`, `use`, `key_ops` and the key material, without cryptography. A key is imported when a token
 * first needs it. If the import fails (a point that is not on its curve, or a type that this version of Node does not
 * support), the key counts as absent.
 *
 * @param previous the set that the new set replaces; keys that did not change are reused, so that they are not imported
 *   again
 */
export function createKeySet({ keys }: JsonWebKeySet, previous?: KeySet): KeySet {
  return keySetOf(usableEntries(keys, previous));
}

/** Creates a key set like {@link createKeySet}, but yields to the event loop after every {@link BATCH} keys. */
export async function readKeySet({ keys }: JsonWebKeySet, previous?: KeySet): Promise<KeySet> {
  const entries: KeyEntry[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    if (start > 0) await setImmediate();
    entries.push(...usableEntries(keys.slice(start, start + BATCH), previous));
  }
  return keySetOf(entries);
}

function usableEntries(keys: readonly JWK[], previous: KeySet | undefined): readonly KeyEntry[] {
  return keys.flatMap((given) => {
    const jwk = withoutPrototype(given);
    const text = JSON.stringify(jwk);
    const key = previous?.keys.get(text) ?? (isVerificationKey(jwk) ? verificationKey(jwk) : undefined);
    return key === undefined ? [] : [{ jwk, text, key }];
  });
}

function keySetOf(entries: readonly KeyEntry[]): KeySet {
  const byKeyId = groupByKeyId(entries);
  const held = new Set(entries.map(({ key }) => key));
  return {
    size: entries.length,
    problem: problemOf(entries.length),
    keys: new Map(entries.map(({ text, key }) => [text, key])),
    find({ algorithm, keyId }) {
      const candidates = keyId === undefined ? entries : (byKeyId.get(keyId) ?? []);
      return candidates
        .filter(({ jwk, key }) => fits(jwk, algorithm) && !key.isUnusableFor(algorithm))
        .map(({ key }) => key);
    },
    holds: (key) => held.has(key),
  };
}

function groupByKeyId(entries: readonly KeyEntry[]): ReadonlyMap<string, readonly KeyEntry[]> {
  const groups = new Map<string, KeyEntry[]>();
  for (const entry of entries) {
    const { kid } = entry.jwk;
    if (typeof kid !== "string") continue;
    const group = groups.get(kid);
    if (group === undefined) groups.set(kid, [entry]);
    else group.push(entry);
  }
  return groups;
}

function problemOf(size: number): string | undefined {
  if (size === 0) return "contains no public key that can verify a signature";
  return size > MAX_KEYS
    ? `contains ${size} public keys that can verify a signature; the maximum is ${MAX_KEYS}`
    : undefined;
}

function verificationKey(jwk: JWK): VerificationKey {
  const imported = new Map<string, Promise<CryptoKey | undefined>>();
  const unusable = new Set<string>();
  const importOnce = async (algorithm: string): Promise<CryptoKey | undefined> => {
    const key = await importPublicKey(jwk, algorithm);
    // The import may have failed because of data on Object.prototype: try again next time.
    if (key === undefined && hasInheritedData()) imported.delete(algorithm);
    else if (key === undefined) unusable.add(algorithm);
    return key;
  };
  return {
    importFor(algorithm) {
      const known = imported.get(algorithm) ?? importOnce(algorithm);
      imported.set(algorithm, known);
      return known;
    },
    isUnusableFor: (algorithm) => unusable.has(algorithm),
  };
}

async function importPublicKey(jwk: JWK, algorithm: string): Promise<CryptoKey | undefined> {
  try {
    // jose returns bytes only for symmetric keys, which a key set does not contain.
    return (await importJWK(keyMaterial(jwk, algorithm), algorithm)) as CryptoKey;
  } catch {
    // A point that is not on its curve, or a type that WebCrypto does not support in this version of Node.
    return undefined;
  }
}
