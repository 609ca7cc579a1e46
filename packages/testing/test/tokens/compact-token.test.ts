import { createPublicKey, createSecretKey, generateKeyPairSync } from "node:crypto";
import { compactVerify, decodeJwt, generateKeyPair } from "jose";
import { describe, expect, test } from "vitest";
import { type ForgedTokenParts, forgeToken, tamperPayload, tamperSignature } from "../../src/tokens/compact-token.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const header = { alg: "ES256" };

function signedToken(payload: unknown = { sub: "a", scope: "read" }): string {
  return forgeToken({ header, payload, key: privateKey });
}

function textOf(token: string, part: number): string {
  return Buffer.from(token.split(".")[part] ?? "", "base64url").toString();
}

async function isSigned(token: string): Promise<boolean> {
  return compactVerify(token, publicKey).then(
    () => true,
    () => false,
  );
}

describe("forgeToken", () => {
  test("leaves the signature empty without a key", () => {
    const token = forgeToken({ header: { alg: "none" }, payload: { sub: "a" } });
    expect(token).toBe("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.");
  });

  test("uses strings and bytes verbatim", () => {
    const token = forgeToken({ header: '{"alg":"a", "alg":"b"}', payload: Uint8Array.of(0xff, 0xfe) });
    expect(textOf(token, 0)).toBe('{"alg":"a", "alg":"b"}');
    expect(token.split(".")[1]).toBe("__4");
  });

  test.each([[null], [[]], [1], [true]])("serialises %j as JSON", (payload) => {
    expect(textOf(forgeToken({ header, payload }), 1)).toBe(JSON.stringify(payload));
  });

  test("uses a signature string verbatim and encodes bytes", () => {
    expect(forgeToken({ header, payload: {}, signature: "=not base64=" })).toMatch(/\.=not base64=$/);
    expect(forgeToken({ header, payload: {}, signature: Uint8Array.of(0xff) })).toMatch(/\._w$/);
  });

  test("signs with a key object", async () => {
    expect(await isSigned(signedToken())).toBe(true);
  });

  test("signs with a CryptoKey", async () => {
    const keys = await generateKeyPair("PS384", { extractable: true });
    const token = forgeToken({ header: { alg: "PS384" }, payload: {}, key: keys.privateKey });
    await expect(compactVerify(token, keys.publicKey)).resolves.toBeDefined();
  });

  test("signs with the algorithm of a header string", async () => {
    const { privateKey: key, publicKey: verificationKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const token = forgeToken({ header: '{ "alg": "RS512" }', payload: "{}", key });
    await expect(compactVerify(token, verificationKey)).resolves.toBeDefined();
  });

  test("signs a token whose header is not JSON", () => {
    const token = forgeToken({ header: "not json", payload: {}, key: privateKey });
    expect(token.split(".")[2]).toHaveLength(86);
  });

  test("signs with a public key as HMAC secret (algorithm confusion)", async () => {
    const secret = Buffer.from(createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
    const token = forgeToken({ header: { alg: "HS256" }, payload: {}, key: createSecretKey(secret) });
    await expect(compactVerify(token, secret)).resolves.toBeDefined();
  });

  test("rejects a public key", () => {
    expect(() => forgeToken({ header, payload: {}, key: publicKey })).toThrow(TypeError);
  });

  test.each([
    { header, payload: undefined },
    { header, payload: {}, signature: "x", key: privateKey },
    { header, payload: {}, sig: "x" },
  ])("rejects invalid parts: %#", (parts) => {
    expect(() => forgeToken(parts as ForgedTokenParts)).toThrow(TypeError);
  });
});

describe("tamperSignature", () => {
  test("changes only one bit of the signature", async () => {
    const token = signedToken();
    const tampered = tamperSignature(token);
    const [before, after] = [token, tampered].map((text) => Buffer.from(text.split(".")[2] ?? "", "base64url"));
    expect(tampered.split(".").slice(0, 2)).toEqual(token.split(".").slice(0, 2));
    expect(after?.map((byte, index) => byte ^ (before?.[index] ?? 0)).filter((byte) => byte !== 0)).toEqual(
      Buffer.from([1]),
    );
    expect(await isSigned(tampered)).toBe(false);
  });

  test("returns canonical base64url", () => {
    const signature = tamperSignature(signedToken()).split(".")[2] ?? "";
    expect(Buffer.from(signature, "base64url").toString("base64url")).toBe(signature);
  });

  test.each(["", "a.b", "a.b.c.d", "a.b."])("rejects %j", (token) => {
    expect(() => tamperSignature(token)).toThrow(TypeError);
  });
});

describe("tamperPayload", () => {
  test("changes and removes claims and keeps the signature", async () => {
    const token = signedToken();
    const tampered = tamperPayload(token, { sub: "b", scope: undefined });
    expect(decodeJwt(tampered)).toEqual({ sub: "b" });
    expect(tampered.split(".")[2]).toBe(token.split(".")[2]);
    expect(await isSigned(tampered)).toBe(false);
  });

  test.each(["", "a.b", "a.b.c.d"])("rejects %j", (token) => {
    expect(() => tamperPayload(token, {})).toThrow(TypeError);
  });
});
