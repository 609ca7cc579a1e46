import { createPrivateKey, generateKeyPairSync, type webcrypto } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, type GenerateKeyPairResult, importJWK, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import { isClientKey, parseClientKey } from "../../src/options/client-key.ts";
import { supported } from "../support/algorithms.ts";

const rsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const [ec, ec384, ec521, ed25519] = await Promise.all(["ES256", "ES384", "ES512", "Ed25519"].map(jwkOf));
const ecKey = await keyOf("ES256");
// RSA keys take long to make, so the tests share one
const rsa = await jwkOf("RS256");

async function keyOf(algorithm: string): Promise<CryptoKey> {
  return (await generateKeyPair(algorithm, { extractable: true })).privateKey;
}

async function jwkOf(algorithm: string): Promise<JWK> {
  return exportJWK(await keyOf(algorithm));
}

/** A pair of keys for an algorithm; that of an RSA algorithm is the shared one. */
async function pairOf(algorithm: string): Promise<GenerateKeyPairResult> {
  if (!rsaAlgorithms.includes(algorithm)) return generateKeyPair(algorithm);
  const { kty, n, e } = rsa;
  const [privateKey, publicKey] = await Promise.all(
    [rsa, { kty, n, e } as JWK].map((jwk) => importJWK(jwk, algorithm)),
  );
  // only symmetric keys are imported as bytes
  return { privateKey, publicKey } as GenerateKeyPairResult;
}

/** A key that node:crypto makes and Web Crypto may not know, as a JWK. */
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
  ])("of %s signs with an algorithm of its own", (_name, jwk, own) => {
    const others = ["ES256", "ES384", "ES512", "Ed25519", "EdDSA", ...rsaAlgorithms, "HS256", "none", "RSA-OAEP", ""];
    for (const alg of others) {
      expect([alg, isClientKey({ ...jwk, alg })]).toEqual([alg, own.includes(alg)]);
    }
    for (const alg of own) expect(parseClientKey({ ...jwk, alg })).toMatchObject({ key: { alg } });
  });

  test.each([
    ["P-256", ec, "ES256"],
    ["P-384", ec384, "ES384"],
    ["P-521", ec521, "ES512"],
    ["Ed25519", ed25519, "Ed25519"],
  ])("of %s need not name its algorithm", (_name, jwk, alg) => {
    expect(isClientKey(jwk)).toBe(true);
    expect(parseClientKey({ ...jwk })).toEqual({ key: { ...jwk, alg }, keyId: undefined });
  });

  test.each([...supported].filter((algorithm) => /^(?:RS|PS|ML)/.test(algorithm)))(
    "of %s has to name its algorithm: its type has several",
    async (alg) => {
      const { alg: _alg, ...jwk } = rsaAlgorithms.includes(alg) ? rsa : await jwkOf(alg);
      expect(isClientKey(jwk)).toBe(false);
      expect(isClientKey({ ...jwk, alg: "ES256" })).toBe(false);
      expect(isClientKey({ ...jwk, alg })).toBe(true);
      expect(parseClientKey({ ...jwk, alg })).toEqual({ key: { ...jwk, alg }, keyId: undefined });
    },
  );

  test.each<[string, JWK]>([
    ["of a curve that no algorithm is for", otherJwk("ec", { namedCurve: "secp256k1" })],
    ["for key agreement", otherJwk("x25519")],
    ["of Ed448", otherJwk("ed448")],
    ["of RSA that is too short (RFC 7518 section 3.3)", { ...otherJwk("rsa", { modulusLength: 1024 }), alg: "RS256" }],
    ["that is symmetric", { kty: "oct", k: "c2VjcmV0", alg: "HS256" }],
    ["of an unknown type", { kty: "toString", alg: "ES256" }],
    ["without a type", { d: "AA", alg: "ES256" }],
    ["that is broken", { ...ec, d: "!" }],
    ["of which a part is of another key", { ...ec, d: otherJwk("ec", { namedCurve: "P-256" }).d as string }],
    ["with a kid that is empty", { ...ec, kid: "" }],
    ["with a kid that is no string", { ...ec, kid: 1 as unknown as string }],
    ["with an alg that is no string", { ...ec, alg: 1 as unknown as string }],
  ])("is rejected %s", (_name, jwk) => {
    expect(isClientKey(jwk)).toBe(false);
  });

  test.each([
    ["P-256", ec],
    ["Ed25519", ed25519],
    ["RSA", { ...rsa, alg: "RS256" }],
  ])("of %s is rejected when it is the public one", (_name, jwk) => {
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicJwk } = jwk as Record<string, unknown>;
    expect(isClientKey(jwk)).toBe(true);
    expect(isClientKey(publicJwk)).toBe(false);
  });

  test("has its kid apart, and loses what is not of the key", () => {
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
  test.each(["ES256", "ES384", "ES512", "Ed25519", ...rsaAlgorithms])("of %s is taken as it is", async (algorithm) => {
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
    ["no string", { key: ecKey, kid: 1 }],
    ["undefined", { key: ecKey, kid: undefined }],
    ["missing", { key: ecKey }],
    ["that of no CryptoKey", { key: ec, kid: "k1" }],
  ])("is rejected with an identifier that is %s", (_name, value) => {
    expect(isClientKey(value)).toBe(false);
  });

  test("is rejected when it is for another use than signing", async () => {
    const agreement = await generated({ name: "ECDH", namedCurve: "P-256" }, ["deriveBits"]);
    const encryption = await generated(rsaOf(2048, "RSA-OAEP"), ["encrypt", "decrypt"]);
    const signature = await generated({ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"]);
    const asked = [agreement, encryption, signature].map(({ privateKey }) => isClientKey(privateKey));
    expect(asked).toEqual([false, false, true]);
    const withId = [agreement, encryption, signature].map(({ privateKey: key }) => isClientKey({ key, kid: "k1" }));
    expect(withId).toEqual([false, false, true]);
    expect(isClientKey({ key: signature.publicKey, kid: "k1" })).toBe(false);
  });

  test("of RSA is rejected when it is shorter than 2048 bits (RFC 7518 section 3.3)", async () => {
    const [short, long] = await Promise.all([1024, 2048].map((bits) => generated(rsaOf(bits), ["sign", "verify"])));
    expect([short, long].map((pair) => isClientKey(pair?.privateKey))).toEqual([false, true]);
  });

  test("is rejected when it is a secret", async () => {
    const secret = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
    expect(isClientKey(secret)).toBe(false);
  });
});

test.each([
  null,
  undefined,
  "key",
  1,
  [],
  {},
  new Uint8Array(8),
  createPrivateKey(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })),
])("%o is no key of a client", (value) => {
  expect(isClientKey(value)).toBe(false);
});
