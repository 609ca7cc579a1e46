import { createPrivateKey, generateKeyPairSync, type webcrypto } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, type GenerateKeyPairResult, importJWK, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import { isClientKey, parseClientKey } from "../../src/options/client-key.ts";
import { supported } from "../support/algorithms.ts";

const rsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const [ec, ec384, ec521, ed25519] = await Promise.all(["ES256", "ES384", "ES512", "Ed25519"].map(jwkOf));
const ecKey = await keyOf("ES256");
// RSA keys are slow to generate, so the tests share one.
const rsa = await jwkOf("RS256");

async function keyOf(algorithm: string): Promise<CryptoKey> {
  return (await generateKeyPair(algorithm, { extractable: true })).privateKey;
}

async function jwkOf(algorithm: string): Promise<JWK> {
  return exportJWK(await keyOf(algorithm));
}

/** Returns a key pair for an algorithm; for RSA algorithms the shared one. */
async function pairOf(algorithm: string): Promise<GenerateKeyPairResult> {
  if (!rsaAlgorithms.includes(algorithm)) return generateKeyPair(algorithm);
  const { kty, n, e } = rsa;
  const [privateKey, publicKey] = await Promise.all(
    [rsa, { kty, n, e } as JWK].map((jwk) => importJWK(jwk, algorithm)),
  );
  // Only symmetric keys are imported as bytes.
  return { privateKey, publicKey } as GenerateKeyPairResult;
}

/** Generates a key with node:crypto, which Web Crypto may not support, as a JWK. */
function otherJwk(...parameters: readonly unknown[]): JWK {
  const generate = generateKeyPairSync as unknown as (...all: readonly unknown[]) => {
    readonly privateKey: ReturnType<typeof createPrivateKey>;
  };
  return generate(...parameters).privateKey.export({ format: "jwk" });
}

async function generated(
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams,
  usages: readonly webcrypto.KeyUsage[],
): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, usages);
}

function rsaOf(modulusLength: number, name = "RSASSA-PKCS1-v1_5"): webcrypto.RsaHashedKeyGenParams {
  return { name, modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
}

describe("a private JWK", () => {
  test.each([
    ["P-256", ec, ["ES256"]],
    ["P-384", ec384, ["ES384"]],
    ["P-521", ec521, ["ES512"]],
    ["Ed25519", ed25519, ["Ed25519", "EdDSA"]],
    ["RSA", rsa, rsaAlgorithms],
  ])("for %s is accepted only with an algorithm of its type", (_name, jwk, possible) => {
    const all = ["ES256", "ES384", "ES512", "Ed25519", "EdDSA", ...rsaAlgorithms, "HS256", "none", "RSA-OAEP", ""];
    for (const alg of all) {
      expect([alg, isClientKey({ ...jwk, alg })]).toEqual([alg, possible.includes(alg)]);
    }
    for (const alg of possible) expect(parseClientKey({ ...jwk, alg })).toMatchObject({ key: { alg } });
  });

  test.each([
    ["P-256", ec, "ES256"],
    ["P-384", ec384, "ES384"],
    ["P-521", ec521, "ES512"],
    ["Ed25519", ed25519, "Ed25519"],
  ])("for %s does not need alg", (_name, jwk, alg) => {
    expect(isClientKey(jwk)).toBe(true);
    expect(parseClientKey({ ...jwk })).toEqual({ key: { ...jwk, alg }, keyId: undefined });
  });

  test.each([...supported].filter((algorithm) => /^(?:RS|PS|ML)/.test(algorithm)))(
    "for %s needs alg, because its type has several algorithms",
    async (alg) => {
      const { alg: _alg, ...jwk } = rsaAlgorithms.includes(alg) ? rsa : await jwkOf(alg);
      expect(isClientKey(jwk)).toBe(false);
      expect(isClientKey({ ...jwk, alg: "ES256" })).toBe(false);
      expect(isClientKey({ ...jwk, alg })).toBe(true);
      expect(parseClientKey({ ...jwk, alg })).toEqual({ key: { ...jwk, alg }, keyId: undefined });
    },
  );

  test.each<[string, JWK]>([
    ["for a curve without an algorithm", otherJwk("ec", { namedCurve: "secp256k1" })],
    ["for key agreement", otherJwk("x25519")],
    ["for Ed448", otherJwk("ed448")],
    [
      "if an RSA key is too short (RFC 7518 section 3.3)",
      { ...otherJwk("rsa", { modulusLength: 1024 }), alg: "RS256" },
    ],
    ["if it is symmetric", { kty: "oct", k: "c2VjcmV0", alg: "HS256" }],
    ["with an unknown type", { kty: "toString", alg: "ES256" }],
    ["without a type", { d: "AA", alg: "ES256" }],
    ["if it is malformed", { ...ec, d: "!" }],
    ["with a member of another key", { ...ec, d: otherJwk("ec", { namedCurve: "P-256" }).d as string }],
    ["with an empty kid", { ...ec, kid: "" }],
    ["with a kid that is not a string", { ...ec, kid: 1 as unknown as string }],
    ["with an alg that is not a string", { ...ec, alg: 1 as unknown as string }],
  ])("is rejected %s", (_name, jwk) => {
    expect(isClientKey(jwk)).toBe(false);
  });

  test.each([
    ["P-256", ec],
    ["Ed25519", ed25519],
    ["RSA", { ...rsa, alg: "RS256" }],
  ])("for %s is rejected if it is public", (_name, jwk) => {
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicJwk } = jwk as Record<string, unknown>;
    expect(isClientKey(jwk)).toBe(true);
    expect(isClientKey(publicJwk)).toBe(false);
  });

  test("is parsed into kid and key, without members that do not belong to the key", () => {
    const given = { ...ec, kid: "k1", use: "sig", key_ops: ["sign"], ext: true };
    expect(isClientKey(given)).toBe(true);
    expect(parseClientKey(given)).toEqual({ key: { ...ec, alg: "ES256" }, keyId: "k1" });
  });

  test("is a frozen copy", () => {
    const given = { ...ec };
    const { key } = parseClientKey(given);
    Object.assign(given, ec384);
    expect(key).toEqual({ ...ec, alg: "ES256" });
    expect(Object.isFrozen(key)).toBe(true);
  });
});

describe("a private CryptoKey", () => {
  test.each(["ES256", "ES384", "ES512", "Ed25519", ...rsaAlgorithms])("for %s is used unchanged", async (algorithm) => {
    const { privateKey, publicKey } = await pairOf(algorithm);
    expect(isClientKey(privateKey)).toBe(true);
    expect(parseClientKey(privateKey)).toEqual({ key: privateKey, keyId: undefined });
    expect(isClientKey(publicKey)).toBe(false);
  });

  test("can have an identifier", () => {
    expect(isClientKey({ key: ecKey, kid: "k1" })).toBe(true);
    expect(parseClientKey({ key: ecKey, kid: "k1" })).toEqual({ key: ecKey, keyId: "k1" });
  });

  test.each<[string, object]>([
    ["empty", { key: ecKey, kid: "" }],
    ["not a string", { key: ecKey, kid: 1 }],
    ["undefined", { key: ecKey, kid: undefined }],
    ["missing", { key: ecKey }],
    ["given with a JWK", { key: ec, kid: "k1" }],
  ])("is rejected with an identifier that is %s", (_name, value) => {
    expect(isClientKey(value)).toBe(false);
  });

  test("is rejected if it is not for signing", async () => {
    const agreement = await generated({ name: "ECDH", namedCurve: "P-256" }, ["deriveBits"]);
    const encryption = await generated(rsaOf(2048, "RSA-OAEP"), ["encrypt", "decrypt"]);
    const signature = await generated({ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"]);
    const accepted = [agreement, encryption, signature].map(({ privateKey }) => isClientKey(privateKey));
    expect(accepted).toEqual([false, false, true]);
    const withId = [agreement, encryption, signature].map(({ privateKey: key }) => isClientKey({ key, kid: "k1" }));
    expect(withId).toEqual([false, false, true]);
    expect(isClientKey({ key: signature.publicKey, kid: "k1" })).toBe(false);
  });

  test("for RSA is rejected if it is shorter than 2048 bits (RFC 7518 section 3.3)", async () => {
    const [short, long] = await Promise.all([1024, 2048].map((bits) => generated(rsaOf(bits), ["sign", "verify"])));
    expect([short, long].map((pair) => isClientKey(pair?.privateKey))).toEqual([false, true]);
  });

  test("is rejected if it is symmetric", async () => {
    const secret = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
    expect(isClientKey(secret)).toBe(false);
  });
});

test.each([
  ["null", null],
  ["undefined", undefined],
  ["a string", "key"],
  ["a number", 1],
  ["a list", []],
  ["an empty object", {}],
  ["bytes", new Uint8Array(8)],
  ["a KeyObject", createPrivateKey(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }))],
])("isClientKey rejects %s", (_name, value) => {
  expect(isClientKey(value)).toBe(false);
});
