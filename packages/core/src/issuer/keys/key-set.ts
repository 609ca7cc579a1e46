import { setImmediate } from "node:timers/promises";
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { JsonWebKeySet } from "../../options/configuration.ts";
import { hasInheritedData, withoutPrototype } from "../../values/object-member.ts";
import { fits, isVerificationKey, keyMaterial } from "./public-key.ts";

/** The keys of an issuer at one time. */
export interface KeySet {
  /** How many keys can verify signatures, as far as their members show it. */
  readonly size: number;
  /** Why the whole set is rejected, to complete a sentence such as "the key set ..."; undefined when it may be used. */
  readonly problem: string | undefined;
  /**
   * Lists the keys that fit a header: `kid` when it names one, type, curve, `use`, `key_ops`, `alg`. A key that proved
   * unusable is no longer listed.
   */
  find(header: KeyHeader): readonly VerificationKey[];
  /** Tells whether a key, which may come from an earlier set, is in this one. */
  holds(key: VerificationKey): boolean;
  /** The keys by their JWK as text: a set that is made with this one as `previous` has the same objects for the same JWKs. */
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
  /** Tells whether importing the key for the algorithm has already shown that Node cannot use it. */
  isUnusableFor(algorithm: string): boolean;
}

/** A key of a set. */
interface KeyEntry {
  readonly jwk: JWK;
  readonly text: string;
  readonly key: VerificationKey;
}

/** The maximum number of keys that can verify signatures in one set. */
export const MAX_KEYS = 1000;

/** How many keys are judged before the event loop gets a turn. */
const BATCH = 100;

/**
 * Creates a key set from JWKs. Keys that cannot verify a signature are skipped: encryption keys, symmetric and private
 * ones, those of unknown types, weak RSA keys, members of a wrong length or encoding. Key material in a token's header plays
 * no part, ever (RFC 8725 section 3.10).
 *
 * Type, curve, `alg`, `use`, `key_ops` and the members that make up the key are judged here, without cryptography. The key
 * itself is imported when a token first needs it: a key that then proves unusable (a point off its curve, a type that this
 * Node.js does not have) counts as absent.
 *
 * @param previous the set that this one replaces: a key that did not change stays the same object, imported already
 */
export function createKeySet({ keys }: JsonWebKeySet, previous?: KeySet): KeySet {
  return keySetOf(usableEntries(keys, previous));
}

/** Creates a key set as {@link createKeySet} does, and gives the event loop a turn after every {@link BATCH} keys. */
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
  if (size === 0) return "holds no public key that can verify a signature";
  return size > MAX_KEYS
    ? `holds ${size} public keys that can verify a signature; the maximum is ${MAX_KEYS}`
    : undefined;
}

function verificationKey(jwk: JWK): VerificationKey {
  const imported = new Map<string, Promise<CryptoKey | undefined>>();
  const unusable = new Set<string>();
  const importOnce = async (algorithm: string): Promise<CryptoKey | undefined> => {
    const key = await importPublicKey(jwk, algorithm);
    // A key that jose could not import because of data on Object.prototype can be good later.
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
    // Bytes are what symmetric keys become, which are not looked up here.
    return (await importJWK(keyMaterial(jwk, algorithm), algorithm)) as CryptoKey;
  } catch {
    // A point off its curve, or a type that WebCrypto does not have in this version of Node.
    return undefined;
  }
}
