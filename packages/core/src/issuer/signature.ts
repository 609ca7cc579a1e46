import { setImmediate } from "node:timers/promises";
import { compactVerify, type CryptoKey, errors } from "jose";
import { rejected } from "../errors.ts";
import type { VerificationKey } from "./keys/key-set.ts";
import { unknownKey } from "./keys/key-source.ts";
import { hasInheritedItem, withoutPrototype } from "../values/object-member.ts";

/** A compact JWS and the `alg` of its header. */
interface SignedToken {
  readonly token: string;
  readonly algorithm: string;
}

/** The maximum number of keys that are tried. Several keys can match if the header has no `kid`, or if keys share a `kid`. */
const MAX_TRIED = 4;

/** The maximum number of keys that are imported, including those that Node cannot use. */
const MAX_IMPORTED = 16;

/** The signed bytes, and the key that verified the signature. */
export interface VerifiedSignature {
  readonly payload: Uint8Array;
  readonly key: VerificationKey;
}

/**
 * Verifies the signature of a compact JWS and returns the bytes that were signed (RFC 7515 section 5.2).
 *
 * Tries the given keys in order, and yields to the event loop between two keys. Does not check claims.
 *
 * @throws AccessTokenError `ERR_TOKEN_SIGNATURE`; `ERR_TOKEN_KEY_UNKNOWN` if Node cannot use any of the first 16 keys
 * @throws Error if arrays inherit items, because jose could then verify bytes that differ from those of the token
 */
export async function verifySignature(jws: SignedToken, keys: readonly VerificationKey[]): Promise<VerifiedSignature> {
  let tried = 0;
  for (const [index, key] of keys.slice(0, MAX_IMPORTED).entries()) {
    if (tried === MAX_TRIED) break;
    // The import of a key can take a millisecond: let other requests run in between.
    if (index > 0) await setImmediate();
    const imported = await key.importFor(jws.algorithm);
    if (imported === undefined) continue;
    tried += 1;
    const payload = await verifiedPayload(jws, imported);
    if (payload !== undefined) return { payload, key };
  }
  if (tried === 0) throw unknownKey();
  throw rejected(
    "ERR_TOKEN_SIGNATURE",
    "the signature is not valid for the key that the header selects (forged token, or signed with another key?)",
  );
}

async function verifiedPayload({ token, algorithm }: SignedToken, key: CryptoKey): Promise<Uint8Array | undefined> {
  // jose caches the signed bytes in an array, and would use an inherited item instead.
  if (hasInheritedItem()) throw new Error("certbound: Object.prototype or Array.prototype has numbered members");
  try {
    return (await compactVerify(token, key, withoutPrototype({ algorithms: [algorithm] }))).payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    throw error;
  }
}
