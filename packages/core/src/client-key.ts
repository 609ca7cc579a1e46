import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { types } from "node:util";
import type { CryptoKey, JWK } from "jose";
import type { ClientAuthentication, IntrospectionOptions } from "./introspection-configuration.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";
import { nonEmptyString } from "./known-options.ts";
import { isLongEnough } from "./rsa-modulus.ts";

type ClientKey = NonNullable<IntrospectionOptions["clientKey"]>;
type PrivateKeyJwt = Extract<ClientAuthentication, { readonly method: "private_key_jwt" }>;

/** The algorithms of a JWK by its curve, or by its type; where there are several, the first is meant, if any is. */
const algorithms: ReadonlyMap<unknown, readonly (string | undefined)[]> = new Map([
  ["P-256", ["ES256"]],
  ["P-384", ["ES384"]],
  ["P-521", ["ES512"]],
  ["Ed25519", ["Ed25519", "EdDSA"]],
  ["RSA", [undefined, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]],
  ["AKP", [undefined, "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]],
]);

/** Tells whether a value is a private key, and one that an assertion can be signed with (RFC 7523 section 2.2). */
export function isClientKey(value: unknown): value is ClientKey {
  if (types.isCryptoKey(value)) return canSign(value);
  if (!isJsonObject(value)) return false;
  if (isKeyWithId(value)) return canSign(value.key);
  if (value.kid !== undefined && !nonEmptyString.accepts(value.kid)) return false;
  if (algorithmOf(value) === undefined) return false;
  try {
    const key = createPrivateKey({ key: value, format: "jwk" });
    const probe = new Uint8Array(1);
    // Parts that do not belong together are noticed by what they sign.
    const fits = verify(null, probe, createPublicKey(key), sign(null, probe, key));
    return fits && isLongEnough(key.asymmetricKeyDetails?.modulusLength);
  } catch {
    // The errors of crypto may quote what they were given.
    return false;
  }
}

/** Copies a key that was checked; a JWK gets its algorithm, and keeps nothing that is not of the key. */
export function parseClientKey(given: ClientKey): Pick<PrivateKeyJwt, "key" | "keyId"> {
  if (types.isCryptoKey(given)) return { key: given, keyId: undefined };
  if (isKeyWithId(given)) return { key: given.key, keyId: given.kid };
  const jwk: JWK = createPrivateKey({ key: { ...given }, format: "jwk" }).export({ format: "jwk" });
  return { key: Object.freeze({ ...jwk, alg: algorithmOf(given) as string }), keyId: given.kid };
}

function algorithmOf({ kty, crv, alg }: JsonObject): string | undefined {
  const possible = algorithms.get(kty === "EC" || kty === "OKP" ? crv : kty) ?? [];
  return alg === undefined ? possible[0] : possible.find((algorithm) => algorithm === alg);
}

function isKeyWithId(value: object): value is { readonly key: CryptoKey; readonly kid: string } {
  return "key" in value && types.isCryptoKey(value.key) && "kid" in value && nonEmptyString.accepts(value.kid);
}

function canSign({ type, usages, algorithm }: CryptoKey): boolean {
  const { modulusLength } = algorithm as { readonly modulusLength?: number };
  return type === "private" && usages.includes("sign") && isLongEnough(modulusLength);
}
