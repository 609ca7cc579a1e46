import { setImmediate } from "node:timers/promises";
import { compactVerify, type CryptoKey, errors } from "jose";
import { rejected } from "../errors.ts";
import type { VerificationKey } from "./keys/key-set.ts";
import { unknownKey } from "./keys/key-source.ts";
import { hasInheritedItem, withoutPrototype } from "../values/object-member.ts";

/** A compact JWS, and the `alg` of its header. */
interface SignedToken {
  readonly token: string;
  readonly algorithm: string;
}

/** How many keys that fit one token are tried; more than one only when the header names no `kid`, or keys share one. */
const MAX_TRIED = 4;

/** How many keys that fit one token are imported; more than are tried only when Node cannot use some of them. */
const MAX_IMPORTED = 16;

/** What was signed, and the key that says so. */
export interface VerifiedSignature {
  readonly payload: Uint8Array;
  readonly key: VerificationKey;
}

/**
 * Verifies the signature of a compact JWS and returns the bytes that were signed (RFC 7515 section 5.2).
 *
 * It does not choose keys, and checks no claim. The event loop gets a turn between any two keys.
 *
 * @throws AccessTokenError `ERR_TOKEN_SIGNATURE`; `ERR_TOKEN_KEY_UNKNOWN` when Node can use none of the first 16 keys
 * @throws Error when every array inherits items, so that jose could verify other bytes than those of the token
 */
export async function verifySignature(jws: SignedToken, keys: readonly VerificationKey[]): Promise<VerifiedSignature> {
  let tried = 0;
  for (const [index, key] of keys.slice(0, MAX_IMPORTED).entries()) {
    if (tried === MAX_TRIED) break;
    // To import a key can take a millisecond: other requests get their turn between two keys.
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
    "the signature does not verify with the key that the header names: a forged token, or one of another key?",
  );
}

async function verifiedPayload({ token, algorithm }: SignedToken, key: CryptoKey): Promise<Uint8Array | undefined> {
  // jose keeps the bytes to verify in an array, unless the array has them already: it computes them in this turn.
  if (hasInheritedItem()) throw new Error("certbound: Object.prototype or Array.prototype has numbered members");
  try {
    return (await compactVerify(token, key, withoutPrototype({ algorithms: [algorithm] }))).payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    throw error;
  }
}
