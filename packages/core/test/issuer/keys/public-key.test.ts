import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { describe, expect, test } from "vitest";
import { fits, isVerificationKey, keyMaterial } from "../../../src/issuer/keys/public-key.ts";
import { algorithms } from "../../support/algorithms.ts";

const rsa = jwkOf(generateKeyPairSync("rsa", { modulusLength: 2048 }));
const p256 = jwkOf(generateKeyPairSync("ec", { namedCurve: "P-256" }));
const p384 = jwkOf(generateKeyPairSync("ec", { namedCurve: "P-384" }));
const p521 = jwkOf(generateKeyPairSync("ec", { namedCurve: "P-521" }));
const ed25519 = jwkOf(generateKeyPairSync("ed25519"));

function jwkOf({ publicKey }: ReturnType<typeof generateKeyPairSync>): JWK {
  return publicKey.export({ format: "jwk" });
}

/** Returns the given number of bytes, all 1, in base64url. */
function bytes(length: number): string {
  return Buffer.alloc(length, 1).toString("base64url");
}

function akp(alg: string, length: number): object {
  return { kty: "AKP", alg, pub: bytes(length) };
}

function isUsable(jwk: object): boolean {
  return isVerificationKey(Object.assign(Object.create(null) as JWK, jwk));
}

/** Returns a changed copy of the modulus of a key. */
function modulus(change: (modulus: Buffer) => Uint8Array | void): string {
  const before = Buffer.from(rsa.n ?? "", "base64url");
  return Buffer.from(change(before) ?? before).toString("base64url");
}

/** Returns text that decodes to the same bytes, but has additional bits after the last byte. */
function withAdditionalBits(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const other = text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1) ?? "") ^ 1];
  expect(Buffer.from(other, "base64url")).toEqual(Buffer.from(text, "base64url"));
  return other;
}

describe("a public key", () => {
  test.each<[string, object]>([
    ["RSA", rsa],
    ["P-256", p256],
    ["P-384", p384],
    ["P-521", p521],
    ["Ed25519", ed25519],
    ["ML-DSA-44", akp("ML-DSA-44", 1312)],
    ["ML-DSA-65", akp("ML-DSA-65", 1952)],
    ["ML-DSA-87", akp("ML-DSA-87", 2592)],
  ])("of type %s is usable, but not with a private member", (_name, jwk) => {
    expect(isUsable(jwk)).toBe(true);
    for (const name of ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]) {
      for (const value of ["AAAA", "", null, 0]) expect(isUsable({ ...jwk, [name]: value })).toBe(false);
      expect(isUsable({ ...jwk, [name]: undefined })).toBe(true);
    }
  });

  test.each<[string, unknown, boolean]>([
    ["absent", undefined, true],
    ["verify", ["verify"], true],
    ["verify among others", ["sign", "verify", "encrypt"], true],
    ["verify and a custom operation", ["verify", "custom"], true],
    ["verify twice", ["verify", "verify"], false],
    ["another operation twice", ["verify", "sign", "sign"], false],
    ["verify and a number", ["verify", 5], false],
    ["verify and null", ["verify", null], false],
    ["verify and a list", ["verify", ["sign"]], false],
    ["another operation", ["sign"], false],
    ["empty", [], false],
    ["a string", "verify", false],
    ["an object", { 0: "verify", length: 1 }, false],
    ["null", null, false],
  ])("is usable only if its key_ops allow it: %s", (_name, operations, expected) => {
    expect(isUsable({ ...p256, key_ops: operations })).toBe(expected);
  });
});

describe("the modulus of an RSA key", () => {
  test.each<[string, unknown, boolean]>([
    ["2048 bits", modulus(() => {}), true],
    ["2048 bits after three zero bytes", modulus((n) => Buffer.concat([Buffer.alloc(3), n])), true],
    ["2048 bits after a zero byte", modulus((n) => Buffer.concat([Buffer.of(0), n])), true],
    ["2047 bits", modulus((n) => void (n[0] = 0x7f)), false],
    ["2047 bits after zero bytes", modulus((n) => [0, 0, 0x7f, ...n.subarray(1)] as unknown as Buffer), false],
    ["2041 bits", modulus((n) => void (n[0] = 1)), false],
    ["2049 bits", modulus((n) => Buffer.concat([Buffer.of(1), n])), true],
    ["an even number", modulus((n) => void (n[255] = 2)), false],
    ["only zero bytes", bytes(256).replaceAll(/./g, "A"), false],
    ["empty", "", false],
    ["absent", undefined, false],
    ["a number", 5, false],
    ["not base64url", `!${rsa.n}`, false],
    ["with padding", `${rsa.n}==`, false],
    ["with a line break", `${rsa.n}\n`, false],
    ["with additional bits after the last byte", withAdditionalBits(rsa.n ?? ""), false],
  ])("must be odd and have at least 2048 bits: %s", (_name, n, expected) => {
    expect(isUsable({ ...rsa, n })).toBe(expected);
  });
});

describe("the exponent of an RSA key", () => {
  test.each<[string, unknown, boolean]>([
    ["65537", "AQAB", true],
    ["3", "Aw", true],
    ["3 after zero bytes", "AAAD", true],
    ["257", "AQE", true],
    ["2 to the power of 64, plus 1", Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1]).toString("base64url"), true],
    ["0", "AA", false],
    ["0 in several bytes", "AAAA", false],
    ["1", "AQ", false],
    ["1 after zero bytes", "AAAB", false],
    ["2", "Ag", false],
    ["4", "BA", false],
    ["65536", "AQAA", false],
    ["empty", "", false],
    ["absent", undefined, false],
    ["a number", 65_537, false],
    ["3 with additional bits after the last byte", "Ax", false],
    ["3 with padding", "Aw==", false],
  ])("must be odd and at least 3: %s", (_name, e, expected) => {
    expect(isUsable({ ...rsa, e })).toBe(expected);
  });
});

describe("members of a fixed length", () => {
  test.each<[string, string, object, number]>([
    ["x of P-256", "x", p256, 32],
    ["y of P-256", "y", p256, 32],
    ["x of P-384", "x", p384, 48],
    ["y of P-384", "y", p384, 48],
    ["x of P-521", "x", p521, 66],
    ["y of P-521", "y", p521, 66],
    ["x of Ed25519", "x", ed25519, 32],
    ["pub of ML-DSA-44", "pub", akp("ML-DSA-44", 1312), 1312],
    ["pub of ML-DSA-65", "pub", akp("ML-DSA-65", 1952), 1952],
    ["pub of ML-DSA-87", "pub", akp("ML-DSA-87", 2592), 2592],
  ])("must have exactly this length: %s", (_name, member, jwk, length) => {
    expect(isUsable({ ...jwk, [member]: bytes(length) })).toBe(true);
    for (const other of [0, 1, length - 1, length + 1, 2 * length]) {
      expect(isUsable({ ...jwk, [member]: bytes(other) })).toBe(false);
    }
    const wrong = [undefined, null, 5, {}, [bytes(length)], `${bytes(length)}=`, ` ${bytes(length)}`];
    for (const value of wrong) expect(isUsable({ ...jwk, [member]: value })).toBe(false);
    const ending = length % 3 === 0 ? `${bytes(length)}A` : withAdditionalBits(bytes(length));
    expect(isUsable({ ...jwk, [member]: ending })).toBe(false);
  });

  test("are not checked for keys of other types", () => {
    expect(isUsable({ ...rsa, crv: "P-256", x: 5, y: "!", pub: "" })).toBe(true);
    expect(isUsable({ ...ed25519, y: "!" })).toBe(true);
    expect(isUsable({ ...p256, n: "!", e: "" })).toBe(true);
  });
});

test("a key of type AKP matches only the algorithm in its alg member, which is required (RFC 9964)", () => {
  const matchingAlgorithms = (jwk: object) => algorithms.filter((algorithm) => fits(jwk as JWK, algorithm));
  expect(matchingAlgorithms(akp("ML-DSA-65", 1952))).toEqual(["ML-DSA-65"]);
  expect(matchingAlgorithms({ kty: "AKP", pub: bytes(1952) })).toEqual([]);
  expect(isUsable({ kty: "AKP", pub: bytes(1952) })).toBe(false);
});

test("keyMaterial returns the key material and the algorithm only", () => {
  const members = { use: "sig", kid: "a", ext: false, x5c: ["AAAA"], key_ops: ["verify"], alg: "ES256" };
  expect({ ...keyMaterial({ ...p256, ...members }, "ES256") }).toEqual({ ...p256, alg: "ES256" });
});
