import { createSecretKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { chooseAlgorithm, isAsymmetricAlgorithm, signBytes } from "../../src/tokens/signature-algorithm.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const curve = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const secret = createSecretKey(Buffer.from("secret"));

describe("chooseAlgorithm", () => {
  test.each([
    ["RSA", rsa, "RS256"],
    ["P-256", curve("P-256"), "ES256"],
    ["P-384", curve("P-384"), "ES384"],
    ["P-521", curve("P-521"), "ES512"],
    ["Ed25519", generateKeyPairSync("ed25519").privateKey, "EdDSA"],
    ["secret", secret, "HS256"],
  ])("returns the default algorithm for the key type %s", (_, key, expected) => {
    expect(chooseAlgorithm(key, undefined)).toBe(expected);
    expect(chooseAlgorithm(key, "none")).toBe(expected);
    expect(chooseAlgorithm(key, "toString")).toBe(expected);
  });

  test("returns the wanted algorithm if it uses the key type", () => {
    expect(chooseAlgorithm(rsa, "PS512")).toBe("PS512");
    expect(chooseAlgorithm(secret, "HS512")).toBe("HS512");
  });

  test("returns the default algorithm if the wanted algorithm uses another key type", () => {
    expect(chooseAlgorithm(rsa, "HS256")).toBe("RS256");
    expect(chooseAlgorithm(secret, "RS256")).toBe("HS256");
  });

  test.each([
    ["X25519", generateKeyPairSync("x25519").privateKey, "(x25519)"],
    ["secp256k1", curve("secp256k1"), "(ec, secp256k1)"],
  ])("rejects the key type %s", (_, key, kind) => {
    expect(() => chooseAlgorithm(key, undefined)).toThrow(TypeError);
    expect(() => chooseAlgorithm(key, undefined)).toThrow(kind);
  });
});

describe("signBytes", () => {
  test("encodes an ECDSA signature as two numbers of fixed size", () => {
    expect(signBytes(Buffer.from("x"), "ES512", curve("P-521"))).toHaveLength(132);
  });

  test("creates an ES256 signature that node:crypto verifies", () => {
    const key = curve("P-256");
    const signature = signBytes(Buffer.from("x"), "ES256", key);
    const options = { key, dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from("x"), options, signature)).toBe(true);
    expect(verify("sha256", Buffer.from("y"), options, signature)).toBe(false);
  });
});

describe("isAsymmetricAlgorithm", () => {
  test.each(["RS256", "ES512", "EdDSA", "ML-DSA-44"])("accepts %s", (name) => {
    expect(isAsymmetricAlgorithm(name)).toBe(true);
  });

  test.each(["HS256", "none", "", "es256", "toString", 1, undefined])("rejects %j", (name) => {
    expect(isAsymmetricAlgorithm(name)).toBe(false);
  });
});
