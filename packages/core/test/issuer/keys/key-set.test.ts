import { KeyObject } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import { createKeySet, type KeySet, readKeySet, type VerificationKey } from "../../../src/issuer/keys/key-set.ts";
import { eventLoop } from "../../support/key-creations.ts";
import { whilePrototypeIsPolluted } from "../../support/polluted-prototype.ts";

const [rsa, p256, p384, p521, ed25519] = await Promise.all(
  ["RS256", "ES256", "ES384", "ES512", "Ed25519"].map(generatePublicJwk),
);

async function generatePublicJwk(algorithm: string): Promise<JWK> {
  const { publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return exportJWK(publicKey);
}

/** Returns whether a set of one key finds the key for an algorithm. */
function found(jwk: unknown, algorithm: string, keyId?: string): boolean {
  return createKeySet({ keys: [jwk as JWK] }).find({ algorithm, keyId }).length === 1;
}

/** Returns whether Node can import the only key of a set. */
async function importable(jwk: JWK, algorithm: string): Promise<boolean> {
  const [key] = createKeySet({ keys: [jwk] }).find({ algorithm, keyId: undefined });
  return (await key?.importFor(algorithm)) !== undefined;
}

describe("a key", () => {
  test.each([
    ["RSA", rsa, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]],
    ["P-256", p256, ["ES256"]],
    ["P-384", p384, ["ES384"]],
    ["P-521", p521, ["ES512"]],
    ["Ed25519", ed25519, ["EdDSA", "Ed25519"]],
  ] as const)("of type %s matches only its algorithms (C-06, C-10)", (_name, jwk, matching) => {
    const all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
    const others = ["HS256", "HS512", "none", "", "ES256K", "ML-DSA-44", "RSA-OAEP", "__proto__", "constructor"];
    expect([...all, ...others].filter((algorithm) => found(jwk, algorithm))).toEqual(matching);
  });

  test("of type AKP matches only its alg, and is imported if Node supports it (RFC 9964)", async () => {
    // If Node does not support the algorithm, the test uses other bytes of the same length.
    const jwk = await generatePublicJwk("ML-DSA-44").catch(() => undefined);
    const key = { kty: "AKP", pub: jwk?.pub ?? Buffer.alloc(1312).toString("base64url"), alg: "ML-DSA-44" };
    expect(found(key, "ML-DSA-44")).toBe(true);
    expect(found(key, "ML-DSA-65")).toBe(false);
    expect(found({ ...key, alg: undefined }, "ML-DSA-44")).toBe(false);
    expect(await importable(key, "ML-DSA-44")).toBe(jwk !== undefined);
  });

  test("cannot be imported for an algorithm of another type, but still can for a matching one", async () => {
    const [key] = createKeySet({ keys: [p256 as JWK] }).find({ algorithm: "ES256", keyId: undefined });
    expect(await key?.importFor("RS256")).toBeUndefined();
    expect(await key?.importFor("ES256")).toBeDefined();
  });

  test("is imported later if an import failed because of data on Object.prototype", async () => {
    const set = createKeySet({ keys: [p256 as JWK] });
    const [key] = set.find({ algorithm: "ES256", keyId: undefined });
    const attempt = async (): Promise<unknown> => key?.importFor("ES256");
    expect(await whilePrototypeIsPolluted("use", "enc", attempt)).toBeUndefined();
    expect(set.find({ algorithm: "ES256", keyId: undefined })).toEqual([key]);
    expect(await attempt()).toBeDefined();
  });

  test("with alg matches only this algorithm (C-06)", () => {
    expect(found({ ...rsa, alg: "PS256" }, "PS256")).toBe(true);
    expect(found({ ...rsa, alg: "PS256" }, "RS256")).toBe(false);
    expect(found({ ...rsa, alg: "ps256" }, "PS256")).toBe(false);
    expect(found({ ...rsa, alg: null }, "PS256")).toBe(false);
    expect(found({ ...ed25519, alg: "EdDSA" }, "Ed25519")).toBe(false);
  });

  test("with an encryption algorithm as alg does not match any algorithm", () => {
    expect(found({ ...rsa, alg: "RSA-OAEP-256" }, "RS256")).toBe(false);
    expect(createKeySet({ keys: [{ ...rsa, alg: "RSA-OAEP-256" }] }).size).toBe(0);
  });

  test.each([
    ["no use", {}, true],
    ["use sig", { use: "sig" }, true],
    ["use enc", { use: "enc" }, false],
    ["use SIG", { use: "SIG" }, false],
    ["use null", { use: null }, false],
    ["use in a list", { use: ["sig"] }, false],
    ["key_ops verify", { key_ops: ["verify"] }, true],
    ["key_ops verify and others", { key_ops: ["sign", "verify"] }, true],
    ["key_ops encrypt", { key_ops: ["encrypt"] }, false],
    ["key_ops sign", { key_ops: ["sign"] }, false],
    ["empty key_ops", { key_ops: [] }, false],
    ["key_ops as text", { key_ops: "verify" }, false],
    ["key_ops null", { key_ops: null }, false],
    ["use sig, but key_ops encrypt", { use: "sig", key_ops: ["encrypt"] }, false],
    ["use enc, but key_ops verify", { use: "enc", key_ops: ["verify"] }, false],
  ])("can verify only if use and key_ops allow it: %s (C-14)", (_name, members, expected) => {
    const jwk = { ...p256, ...members } as JWK;
    expect(found(jwk, "ES256")).toBe(expected);
    expect(createKeySet({ keys: [jwk] }).size).toBe(expected ? 1 : 0);
  });

  test.each([
    ["symmetric", { kty: "oct", k: "AAAA", alg: "HS256" }],
    ["symmetric, without its bytes", { kty: "oct" }],
    ["symmetric and empty", { kty: "oct", k: "" }],
    ["symmetric, with a signature algorithm", { kty: "oct", k: "AAAA", alg: "ES256" }],
    ["private", { ...p256, d: "AAAA" }],
    ["private, of type RSA", { ...rsa, d: "AAAA" }],
    ["private, of type AKP", { kty: "AKP", alg: "ML-DSA-44", pub: "AA", priv: "AA" }],
    ["both public and symmetric", { ...p256, k: "AAAA" }],
    ["of one type, with a private member of another", { ...p256, priv: "AAAA" }],
    ["of an unknown type", { kty: "XYZ", kid: "1" }],
    ["without a type", { kid: "1" }],
    ["of a type in the wrong case", { ...p256, kty: "ec" }],
    ["on an unknown curve", { ...p256, crv: "secp256k1" }],
    ["for key agreement", { kty: "OKP", crv: "X25519", x: ed25519?.x }],
    ["of Ed448", { kty: "OKP", crv: "Ed448", x: ed25519?.x }],
  ])("is skipped and not counted if it is %s (C-04)", (_name, jwk) => {
    const set = createKeySet({ keys: [jwk as JWK] });
    expect(set.size).toBe(0);
    for (const algorithm of ["ES256", "RS256", "EdDSA", "HS256", "ML-DSA-44"]) {
      expect(set.find({ algorithm, keyId: undefined })).toEqual([]);
    }
    expect(createKeySet({ keys: [jwk as JWK, p256 as JWK] }).size).toBe(1);
  });
});

describe("the kid", () => {
  const keys = [
    { ...p256, kid: "a" },
    { ...p384, kid: "a" },
    { ...p256, kid: "b" },
    { ...p256 },
    { ...p256, kid: 5 as unknown as string },
    { ...rsa, kid: "__proto__" },
  ];
  const set = createKeySet({ keys });
  const count = (algorithm: string, keyId?: string) => set.find({ algorithm, keyId }).length;

  test("selects among the matching keys", () => {
    expect(count("ES256", "a")).toBe(1);
    expect(count("ES256", "b")).toBe(1);
    expect(count("ES384", "b")).toBe(0);
  });

  test("can be shared by keys of several types, among which the algorithm selects", () => {
    expect(count("ES256", "a")).toBe(1);
    expect(count("ES384", "a")).toBe(1);
    expect(count("ES512", "a")).toBe(0);
  });

  test("can be shared by keys of one type, which are all found", () => {
    const twice = createKeySet({
      keys: [
        { ...p256, kid: "a" },
        { ...p384, kid: "x" },
        { ...p256, kid: "a" },
      ],
    });
    expect(twice.find({ algorithm: "ES256", keyId: "a" })).toHaveLength(2);
  });

  test("is compared exactly (K-03)", () => {
    const wrong = [
      "A",
      "",
      " a",
      "a ",
      "a\0",
      "5",
      "undefined",
      "constructor",
      "toString",
      "hasOwnProperty",
      "../a",
      "a'--",
    ];
    expect(wrong.filter((keyId) => count("ES256", keyId) > 0)).toEqual([]);
    expect(count("RS256", "__proto__")).toBe(1);
    expect(count("ES256", "__proto__")).toBe(0);
  });

  test("does not restrict the matching keys if the header has none", () => {
    expect(count("ES256")).toBe(4);
    expect(count("ES384")).toBe(1);
    expect(count("ES512")).toBe(0);
  });
});

describe("a set that replaces another set", () => {
  const [a, b] = [
    { ...p256, kid: "a" },
    { ...p256, kid: "b" },
  ] as const;
  const only = (set: KeySet, keyId: string, algorithm = "ES256") => {
    const [key, ...others] = set.find({ algorithm, keyId });
    expect(others).toEqual([]);
    return key as VerificationKey;
  };

  test("reuses the object and the import of an unchanged key", async () => {
    const before = createKeySet({ keys: [a] });
    const imported = await only(before, "a").importFor("ES256");
    const after = createKeySet({ keys: [b, a] }, before);
    expect(only(after, "a")).toBe(only(before, "a"));
    expect(await only(after, "a").importFor("ES256")).toBe(imported);
    expect(after.holds(only(before, "a"))).toBe(true);
  });

  test("does not reuse keys of a set that it does not replace", () => {
    const [first, second] = [createKeySet({ keys: [a] }), createKeySet({ keys: [a] })];
    expect(only(second, "a")).not.toBe(only(first, "a"));
    expect(second.holds(only(first, "a"))).toBe(false);
  });

  test.each<[string, object]>([
    ["has other key material", { x: p384?.x }],
    ["has another kid", { kid: "c" }],
    ["has no kid", { kid: undefined }],
    ["has an alg", { alg: "ES256" }],
    ["has the use sig", { use: "sig" }],
    ["has the use enc", { use: "enc" }],
    ["is private", { d: "AAAA" }],
  ])("does not hold a key that now %s", (_name, change) => {
    const before = createKeySet({ keys: [a, b] });
    const after = createKeySet({ keys: [{ ...a, ...change }, b] }, before);
    expect(after.holds(only(before, "a"))).toBe(false);
    expect(after.holds(only(before, "b"))).toBe(true);
    for (const key of after.find({ algorithm: "ES256", keyId: undefined })) expect(key).not.toBe(only(before, "a"));
  });

  test("does not hold a removed key, and does not reuse it if it returns", () => {
    const first = createKeySet({ keys: [a, b] });
    const second = createKeySet({ keys: [b] }, first);
    const third = createKeySet({ keys: [a, b] }, second);
    expect(second.holds(only(first, "a"))).toBe(false);
    expect(third.holds(only(first, "a"))).toBe(false);
    expect(third.holds(only(third, "a"))).toBe(true);
    expect(third.holds(only(first, "b"))).toBe(true);
  });

  test("holds the keys that it finds, even if a key occurs twice", () => {
    const before = createKeySet({ keys: [a, a] });
    const after = createKeySet({ keys: [a, a, a] }, before);
    for (const set of [before, after]) {
      const keys = set.find({ algorithm: "ES256", keyId: "a" });
      expect(keys).toHaveLength(set.size);
      expect(keys.map((key) => set.holds(key))).not.toContain(false);
    }
  });

  test("does not hold a copy of a key", () => {
    const set = createKeySet({ keys: [a] });
    expect(set.holds({ ...only(set, "a") })).toBe(false);
    expect(set.holds(only(set, "a"))).toBe(true);
  });
});

describe("readKeySet", () => {
  test("returns the same set as createKeySet, and reuses the keys of the previous set", async () => {
    const keys = Array.from({ length: 250 }, (_, index) => ({ ...p256, kid: `${index}` }));
    const before = createKeySet({ keys });
    const set = await readKeySet({ keys: [{ kty: "oct" }, ...keys] }, before);
    expect(set.size).toBe(250);
    expect([...set.keys]).toEqual([...before.keys]);
    for (const keyId of ["0", "98", "99", "100", "249"]) {
      const header = { algorithm: "ES256", keyId };
      expect(set.find(header)).toEqual(before.find(header));
      expect(set.find(header)[0]).toBe(before.find(header)[0]);
    }
  });

  test.each([
    [0, 0],
    [100, 0],
    [101, 1],
    [200, 1],
    [10_000, 99],
  ])("for %d keys yields to the event loop this number of times: %d", async (count, expected) => {
    const { turn } = eventLoop();
    const before = turn();
    await readKeySet({ keys: Array.from({ length: count }, () => ({})) });
    expect(turn() - before).toBe(expected);
  });
});

describe("the number of keys", () => {
  const setOf = (count: number) => createKeySet({ keys: Array.from({ length: count }, () => p256 as JWK) });

  test.each([1, 1000])("can be %d", (count) => {
    expect(setOf(count)).toMatchObject({ size: count, problem: undefined });
  });

  test("is a problem if it is 0 or more than 1,000", () => {
    expect(setOf(0).problem).toMatch(/^contains no public key/);
    expect(setOf(1001).problem).toMatch(/1001.*1000$/);
  });

  test("does not include keys that cannot verify a signature", () => {
    const others = Array.from({ length: 1000 }, () => ({ ...p256, use: "enc" }));
    expect(createKeySet({ keys: [...others, p256 as JWK] })).toMatchObject({ size: 1, problem: undefined });
  });
});

describe("the import of a key", () => {
  test.each([
    ["RS256", rsa],
    ["PS384", rsa],
    ["ES256", p256],
    ["ES384", p384],
    ["ES512", p521],
    ["EdDSA", ed25519],
    ["Ed25519", ed25519],
  ])("for %s returns a public key that can only verify", async (algorithm, jwk) => {
    const [key] = createKeySet({ keys: [jwk as JWK] }).find({ algorithm, keyId: undefined });
    const imported = await key?.importFor(algorithm);
    expect(imported).toMatchObject({ type: "public", usages: ["verify"] });
  });

  test("is done once for each algorithm", async () => {
    const set = createKeySet({ keys: [rsa as JWK] });
    const [first] = set.find({ algorithm: "RS256", keyId: undefined });
    const [again] = set.find({ algorithm: "RS256", keyId: undefined });
    const [other] = set.find({ algorithm: "PS256", keyId: undefined });
    expect(await first?.importFor("RS256")).toBe(await again?.importFor("RS256"));
    expect(await other?.importFor("PS256")).not.toBe(await first?.importFor("RS256"));
  });

  test("is marked as failed only for the algorithm that it failed for", async () => {
    const [key] = createKeySet({ keys: [p256 as JWK] }).find({ algorithm: "ES256", keyId: undefined });
    await key?.importFor("RS256");
    await key?.importFor("ES256");
    expect(["RS256", "ES256", "PS256"].map((algorithm) => key?.isUnusableFor(algorithm))).toEqual([true, false, false]);
  });

  test("removes the key from the results of find if it fails", async () => {
    const set = createKeySet({ keys: [{ ...p256, y: p256?.x } as JWK, p256 as JWK] });
    const [offCurve, valid] = set.find({ algorithm: "ES256", keyId: undefined });
    await Promise.all([offCurve?.importFor("ES256"), valid?.importFor("ES256")]);
    expect(set.find({ algorithm: "ES256", keyId: undefined })).toEqual([valid]);
  });

  test("ignores members that verification does not need", async () => {
    const members = { ext: false, x5c: ["MARKER"], "x5t#S256": 5, unknown: {}, key_ops: ["verify"], use: "sig" };
    expect(await importable({ ...p256, ...members } as unknown as JWK, "ES256")).toBe(true);
  });

  test("fails for an RSA key of 1024 bits, but not for one of 2048 bits (C-09)", async () => {
    const weak = await rsaJwk(1024);
    const strong = await rsaJwk(2048);
    for (const algorithm of ["RS256", "PS512"]) {
      expect(await importable(weak, algorithm)).toBe(false);
      expect(await importable(strong, algorithm)).toBe(true);
    }
  });

  test.each<[string, string, (jwk: JWK) => object]>([
    ["with a point off the curve (C-13)", "ES256", ({ y = "" }) => ({ y: flipped(y) })],
    [
      "with the point at infinity",
      "ES256",
      () => ({ x: "AA".repeat(22).slice(0, 43), y: "AA".repeat(22).slice(0, 43) }),
    ],
    ["with a point of another curve", "ES256", () => ({ x: p384?.x, y: p384?.y })],
    ["without y", "ES256", () => ({ y: undefined })],
    ["with a number as x", "ES256", () => ({ x: 5 })],
    ["with text that is not base64url", "ES256", () => ({ x: "!" })],
  ])("fails for an EC key %s", async (_name, algorithm, change) => {
    expect(await importable(p256 as JWK, algorithm)).toBe(true);
    expect(await importable({ ...p256, ...change(p256 as JWK) }, algorithm)).toBe(false);
  });

  test.each<[string, object]>([
    ["without a modulus", { n: undefined }],
    ["without an exponent", { e: undefined }],
    ["with an empty modulus", { n: "" }],
    ["with an object as modulus", { n: {} }],
  ])("fails for an RSA key %s", async (_name, change) => {
    expect(await importable({ ...rsa, ...change }, "RS256")).toBe(false);
  });

  test("fails for an Ed25519 key of the wrong length", async () => {
    expect(await importable({ ...ed25519, x: ed25519?.x?.slice(4) } as JWK, "EdDSA")).toBe(false);
  });
});

async function rsaJwk(modulusLength: number): Promise<JWK> {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength, publicExponent: Uint8Array.of(1, 0, 1) },
    true,
    ["sign", "verify"],
  );
  return KeyObject.from(publicKey).export({ format: "jwk" });
}

function flipped(base64url: string): string {
  const bytes = Buffer.from(base64url, "base64url");
  bytes[31] = (bytes[31] ?? 0) ^ 1;
  return bytes.toString("base64url");
}
