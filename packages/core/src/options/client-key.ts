import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { types } from "node:util";
import type { CryptoKey, JWK } from "jose";
import type { ClientAuthentication, IntrospectionOptions } from "./introspection-configuration.ts";
import { isJsonObject, type JsonObject } from "../values/json-object.ts";
import { nonEmptyString } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { hasLongEnoughModulus } from "../values/rsa-modulus.ts";

type ClientKey = NonNullable<IntrospectionOptions["clientKey"]>;
type PrivateKeyJwt = Extract<ClientAuthentication, { readonly method: "private_key_jwt" }>;

/**
 * The algorithms of a JWK by its curve or, without a curve, by its type. The first algorithm in a list is the default; if it
 * is undefined, the JWK must have an `alg`.
 */
const algorithms: ReadonlyMap<unknown, readonly (string | undefined)[]> = new Map([
  ["P-256", ["ES256"]],
  ["P-384", ["ES384"]],
  ["P-521", ["ES512"]],
  ["Ed25519", ["Ed25519", "EdDSA"]],
  ["RSA", [undefined, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]],
  ["AKP", [undefined, "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]],
]);

/**
 * Returns whether a value is a private key for signatures (RFC 7523 section 2.2). Does not check whether the algorithm of a
 * CryptoKey can sign assertions.
 */
export function isClientKey(value: unknown): value is ClientKey {
  if (types.isCryptoKey(value)) return canSign(value);
  if (!isJsonObject(value)) return false;
  const given = withoutPrototype(value);
  if (isKeyWithId(given)) return canSign(given.key);
  if (given.kid !== undefined && !nonEmptyString.accepts(given.kid)) return false;
  if (algorithmOf(given) === undefined) return false;
  try {
    const key = privateKeyOf(given);
    const probe = new Uint8Array(1);
    // Detects a private key that does not match the public members of the JWK.
    const matches = verify(null, probe, createPublicKey(key), sign(null, probe, key));
    return matches && hasLongEnoughModulus(key.asymmetricKeyDetails);
  } catch {
    // The message of the error is dropped: it may quote the key.
    return false;
  }
}

/** Copies a checked key. Adds the `alg` to a JWK, and drops members that do not belong to the key. */
export function parseClientKey(clientKey: ClientKey): Pick<PrivateKeyJwt, "key" | "keyId"> {
  if (types.isCryptoKey(clientKey)) return { key: clientKey, keyId: undefined };
  const given = withoutPrototype(clientKey);
  if (isKeyWithId(given)) return { key: given.key, keyId: given.kid };
  const jwk: JWK = privateKeyOf(given).export(withoutPrototype({ format: "jwk" } as const));
  return { key: Object.freeze(withoutPrototype({ ...jwk, alg: algorithmOf(given) as string })), keyId: given.kid };
}

/** @param jwk without a prototype: `crypto` also reads inherited members */
function privateKeyOf(jwk: JWK): KeyObject {
  return createPrivateKey(withoutPrototype({ key: jwk as Record<string, unknown>, format: "jwk" } as const));
}

function algorithmOf({ kty, crv, alg }: JsonObject): string | undefined {
  const candidates = algorithms.get(kty === "EC" || kty === "OKP" ? crv : kty) ?? [];
  return alg === undefined ? candidates.at(0) : candidates.find((algorithm) => algorithm === alg);
}

function isKeyWithId(value: object): value is { readonly key: CryptoKey; readonly kid: string } {
  return "key" in value && types.isCryptoKey(value.key) && "kid" in value && nonEmptyString.accepts(value.kid);
}

function canSign({ type, usages, algorithm }: CryptoKey): boolean {
  return type === "private" && usages.includes("sign") && hasLongEnoughModulus(algorithm);
}
