import { constants, generateKeyPairSync, type KeyObject, sign, type SignKeyObjectInput } from "node:crypto";
import { createIssuer, forgeToken, type Issuer, tamperPayload, tamperSignature } from "@certbound/testing";
import type { JWK } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { parseCompactJws } from "../../src/token/compact-jws.ts";
import { AccessTokenError } from "../../src/errors.ts";
import { createKeySet } from "../../src/issuer/keys/key-set.ts";
import { verifySignature } from "../../src/issuer/signature.ts";
import { supported } from "../support/algorithms.ts";
import { eventLoop, keyCreations } from "../support/key-creations.ts";
import { type Outcome, outcomeOf, reasonOf, rejectionOf } from "../support/outcome.ts";

const issuers: Issuer[] = [];
afterAll(async () => {
  await Promise.all(issuers.map((issuer) => issuer.close()));
});

async function startIssuer(...algorithms: readonly string[]): Promise<Issuer> {
  const issuer = await createIssuer({ algorithms });
  issuers.push(issuer);
  return issuer;
}

// The generation of RSA keys is slow, so the tests share one issuer with a key for every algorithm, and one other RSA key.
const versatile = await startIssuer(...supported);
const rsaPair = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Returns the key that the shared issuer has for an algorithm. */
function keysOf(algorithm: string): JWK[] {
  return versatile.jwks.keys.filter(({ alg }) => alg === algorithm);
}

/** Returns a key for an algorithm that does not belong to the shared issuer. */
async function foreignKeysOf(algorithm: string): Promise<readonly JWK[]> {
  if (/^[RP]S/.test(algorithm)) return [{ ...publicJwk(rsaPair.publicKey), alg: algorithm, use: "sig" }];
  const { jwks } = await startIssuer(algorithm);
  return jwks.keys;
}

/** Verifies a token with the matching keys of a set. */
async function verify(token: string, keys: readonly JWK[]): Promise<Uint8Array> {
  const jws = parseCompactJws(token);
  return (await verifySignature(jws, createKeySet({ keys }).find(jws))).payload;
}

async function verified(token: string, keys: readonly JWK[]): Promise<Outcome> {
  return outcomeOf(verify(token, keys));
}

/** Creates a token whose signature is the result of a function of the signing input. */
function tokenSignedBy(algorithm: string, signInput: (input: Buffer) => Uint8Array): string {
  const parts = { header: { alg: algorithm }, payload: { sub: "user" } };
  const input = forgeToken(parts).slice(0, -1);
  return forgeToken({ ...parts, signature: signInput(Buffer.from(input)) });
}

function publicJwk(key: KeyObject): JWK {
  return key.export({ format: "jwk" });
}

test("verifySignature skips keys that Node cannot use, and rejects with ERR_TOKEN_KEY_UNKNOWN if Node cannot use any", async () => {
  const { accessToken, jwks } = await startIssuer("ES256");
  const jws = parseCompactJws(await accessToken());
  const unusable = { importFor: async () => undefined, isUnusableFor: () => false };
  const usable = createKeySet(jwks).find(jws);
  // More than the maximum number of usable keys.
  const skipped = Array.from({ length: 5 }, () => unusable);
  expect(await outcomeOf(verifySignature(jws, [...skipped, ...usable]))).toBe("accepted");
  expect(await outcomeOf(verifySignature(jws, skipped))).toBe("ERR_TOKEN_KEY_UNKNOWN");
});

describe.each([...supported])("%s", (algorithm) => {
  test("verifies a signature and returns the signed bytes", async () => {
    const keys = keysOf(algorithm);
    const token = await versatile.accessToken({ algorithm, claims: { note: "é" } });
    const [, payload = ""] = token.split(".");
    expect(Buffer.from(await verify(token, keys)).toString("base64url")).toBe(payload);
    expect(await verified(tamperSignature(token), keys)).toBe("ERR_TOKEN_SIGNATURE");
    expect(await verified(tamperPayload(token, { note: "e" }), keys)).toBe("ERR_TOKEN_SIGNATURE");
    expect(await verified(`${token.slice(0, token.lastIndexOf("."))}.`, keys)).toBe("ERR_TOKEN_SIGNATURE");
  });

  test("rejects a signature with another key of the same type", async () => {
    const token = await versatile.accessToken({ algorithm, header: { kid: undefined } });
    expect(await verified(token, keysOf(algorithm))).toBe("accepted");
    expect(await verified(token, await foreignKeysOf(algorithm))).toBe("ERR_TOKEN_SIGNATURE");
  });
});

describe("an RSA signature", () => {
  const { privateKey, publicKey } = rsaPair;
  const keys = [publicJwk(publicKey)];
  const rsa = (algorithm: string, hash: string, options: Omit<SignKeyObjectInput, "key">) =>
    verified(
      tokenSignedBy(algorithm, (input) => sign(hash, input, { key: privateKey, ...options })),
      keys,
    );
  const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
  const pss = (saltLength: number) => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

  test.each([
    ["RS256", "sha256", "accepted"],
    ["RS256", "sha1", "ERR_TOKEN_SIGNATURE"],
    ["RS256", "sha384", "ERR_TOKEN_SIGNATURE"],
    ["RS256", "sha512", "ERR_TOKEN_SIGNATURE"],
    ["RS512", "sha512", "accepted"],
    ["RS512", "sha256", "ERR_TOKEN_SIGNATURE"],
  ])("must use the hash of its alg: %s with %s (C-07)", async (algorithm, hash, expected) => {
    expect(await rsa(algorithm, hash, pkcs1)).toBe(expected);
  });

  test.each([
    ["PS256", "sha256", 32, "accepted"],
    ["PS256", "sha256", 0, "ERR_TOKEN_SIGNATURE"],
    ["PS256", "sha256", 31, "ERR_TOKEN_SIGNATURE"],
    ["PS256", "sha256", 33, "ERR_TOKEN_SIGNATURE"],
    ["PS256", "sha256", 222, "ERR_TOKEN_SIGNATURE"],
    ["PS384", "sha384", 48, "accepted"],
    ["PS384", "sha384", 32, "ERR_TOKEN_SIGNATURE"],
    ["PS512", "sha512", 64, "accepted"],
    ["PS512", "sha512", 32, "ERR_TOKEN_SIGNATURE"],
    ["PS256", "sha1", 32, "ERR_TOKEN_SIGNATURE"],
  ])(
    "must use the hash and salt length of its alg: %s with %s and %d (C-08)",
    async (algorithm, hash, saltLength, expected) => {
      expect(await rsa(algorithm, hash, pss(saltLength))).toBe(expected);
    },
  );

  test("must use the padding of the alg in the header (C-06, C-07)", async () => {
    expect(await rsa("RS256", "sha256", pss(32))).toBe("ERR_TOKEN_SIGNATURE");
    expect(await rsa("PS256", "sha256", pkcs1)).toBe("ERR_TOKEN_SIGNATURE");
  });

  test("is not verified with a key of 1024 bits (C-09)", async () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const token = tokenSignedBy("RS256", (input) => sign("sha256", input, weak.privateKey));
    expect(await verified(token, [publicJwk(weak.publicKey)])).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await rsa("RS256", "sha256", pkcs1)).toBe("accepted");
  });
});

describe("an EC signature", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = [publicJwk(publicKey)];
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const raw = (input: Buffer) => sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" });
  const scalars = (...numbers: readonly bigint[]) =>
    Buffer.from(numbers.map((number) => number.toString(16).padStart(64, "0")).join(""), "hex");
  const s = (signature: Buffer) => BigInt(`0x${signature.toString("hex", 32)}`);
  const r = (signature: Buffer) => BigInt(`0x${signature.toString("hex", 0, 32)}`);

  test.each<[string, (input: Buffer) => Buffer, Outcome]>([
    ["valid", raw, "accepted"],
    ["two zeros", () => scalars(0n, 0n), "ERR_TOKEN_SIGNATURE"],
    ["with r = 0", (input) => scalars(0n, s(raw(input))), "ERR_TOKEN_SIGNATURE"],
    ["with s = 0", (input) => scalars(r(raw(input)), 0n), "ERR_TOKEN_SIGNATURE"],
    ["with r = n", (input) => scalars(order, s(raw(input))), "ERR_TOKEN_SIGNATURE"],
    ["with s = n", (input) => scalars(r(raw(input)), order), "ERR_TOKEN_SIGNATURE"],
    ["twice n", () => scalars(order, order), "ERR_TOKEN_SIGNATURE"],
    ["encoded in DER", (input) => sign("sha256", input, privateKey), "ERR_TOKEN_SIGNATURE"],
    ["one byte too short", (input) => raw(input).subarray(0, -1), "ERR_TOKEN_SIGNATURE"],
    ["one byte too long", (input) => Buffer.concat([raw(input), Buffer.of(0)]), "ERR_TOKEN_SIGNATURE"],
    ["with 33 bytes each", (input) => widened(raw(input)), "ERR_TOKEN_SIGNATURE"],
    ["empty", () => Buffer.of(), "ERR_TOKEN_SIGNATURE"],
    ["made with another hash", (input) => otherHash(input), "ERR_TOKEN_SIGNATURE"],
  ])("is accepted only if it is valid and encoded as JWS requires: %s (C-11)", async (_name, signInput, expected) => {
    expect(await verified(tokenSignedBy("ES256", signInput), keys)).toBe(expected);
  });

  const widened = (signature: Buffer) =>
    Buffer.concat([Buffer.of(0), signature.subarray(0, 32), Buffer.of(0), signature.subarray(32)]);
  const otherHash = (input: Buffer) => sign("sha384", input, { key: privateKey, dsaEncoding: "ieee-p1363" });

  test("remains valid with n - s instead of s, so that the bytes of a token do not identify it (C-12)", async () => {
    const mirrored = tokenSignedBy("ES256", (input) => {
      const signature = raw(input);
      return scalars(r(signature), order - s(signature));
    });
    expect(await verified(mirrored, keys)).toBe("accepted");
  });

  test("is not verified with a key of another curve (C-10)", async () => {
    const other = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const token = tokenSignedBy("ES256", (input) =>
      sign("sha256", input, { key: other.privateKey, dsaEncoding: "ieee-p1363" }),
    );
    expect(await verified(token, [publicJwk(other.publicKey)])).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("is not verified with a key off the curve (C-13)", async () => {
    const offCurve = { ...publicJwk(publicKey), y: publicJwk(publicKey).x as string };
    expect(await verified(tokenSignedBy("ES256", raw), [offCurve])).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await verified(tokenSignedBy("ES256", raw), [offCurve, ...keys])).toBe("accepted");
  });
});

describe("an Ed25519 signature", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const keys = [publicJwk(publicKey)];
  const raw = (input: Buffer) => sign(null, input, privateKey);
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;

  const plusOrder = (signature: Buffer) => {
    const s = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString("hex")}`) + order;
    const bytes = Buffer.from(s.toString(16).padStart(64, "0"), "hex").toReversed();
    return Buffer.concat([signature.subarray(0, 32), bytes]);
  };

  test.each<[string, (input: Buffer) => Buffer, Outcome]>([
    ["valid", raw, "accepted"],
    ["with S + L for S", (input) => plusOrder(raw(input)), "ERR_TOKEN_SIGNATURE"],
    ["one byte too short", (input) => raw(input).subarray(0, -1), "ERR_TOKEN_SIGNATURE"],
    ["one byte too long", (input) => Buffer.concat([raw(input), Buffer.of(0)]), "ERR_TOKEN_SIGNATURE"],
    ["zeros", () => Buffer.alloc(64), "ERR_TOKEN_SIGNATURE"],
    ["empty", () => Buffer.of(), "ERR_TOKEN_SIGNATURE"],
  ])("is accepted only if it is valid and encoded as JWS requires: %s (C-11)", async (_name, signInput, expected) => {
    for (const algorithm of ["EdDSA", "Ed25519"]) {
      expect(await verified(tokenSignedBy(algorithm, signInput), keys)).toBe(expected);
    }
  });
});

describe("the keys", () => {
  const pairs = Array.from({ length: 6 }, () => generateKeyPairSync("ec", { namedCurve: "P-256" }));
  const keys = pairs.map(({ publicKey }) => publicJwk(publicKey));
  const tokenOf = (index: number) =>
    tokenSignedBy("ES256", (input) =>
      sign("sha256", input, { key: pairs[index]?.privateKey as KeyObject, dsaEncoding: "ieee-p1363" }),
    );

  test.each([
    [0, "accepted"],
    [3, "accepted"],
    [4, "ERR_TOKEN_SIGNATURE"],
    [5, "ERR_TOKEN_SIGNATURE"],
  ])("are tried in order, at most four of them: the key at index %d", async (index, expected) => {
    expect(await verified(tokenOf(index), keys)).toBe(expected);
  });

  const offCurve = { ...keys[0], y: keys[0]?.x ?? "" };
  const unusable = (count: number) => Array.from({ length: count }, () => offCurve);

  test("are skipped if Node cannot use them, and then do not count towards the four", async () => {
    expect(await verified(tokenOf(3), [...unusable(12), ...keys])).toBe("accepted");
    expect(await verified(tokenOf(4), [...unusable(12), ...keys])).toBe("ERR_TOKEN_SIGNATURE");
  });

  test("are imported for one token up to a maximum of sixteen, usable or not", async () => {
    expect(await verified(tokenOf(0), [...unusable(15), ...keys])).toBe("accepted");
    expect(await verified(tokenOf(1), [...unusable(15), ...keys])).toBe("ERR_TOKEN_SIGNATURE");
    expect(await verified(tokenOf(0), [...unusable(16), ...keys])).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("are each imported in a separate turn of the event loop", async () => {
    const creations = keyCreations();
    expect(await verified(tokenOf(3), [...unusable(12), ...keys])).toBe("accepted");
    expect(creations).toHaveLength(16);
    expect(new Set(creations).size).toBe(16);
  });

  test("are each tried in a separate turn of the event loop, even if they were imported before", async () => {
    const jws = parseCompactJws(tokenOf(3));
    const found = createKeySet({ keys: [...unusable(3), ...keys] }).find(jws);
    await outcomeOf(verifySignature(jws, found));
    const { turn } = eventLoop();
    const before = turn();
    expect(await outcomeOf(verifySignature(jws, found.slice(0, 4)))).toBe("ERR_TOKEN_SIGNATURE");
    expect(turn() - before).toBeGreaterThanOrEqual(3);
  });

  test("cause ERR_TOKEN_KEY_UNKNOWN if there are none, or if Node cannot use any of them", async () => {
    expect(await verified(tokenOf(0), [])).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await verified(tokenOf(0), [offCurve])).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("are never taken from the header (K-01, K-02)", async () => {
    const [own, other] = pairs;
    const header = { alg: "ES256", jwk: publicJwk(own?.publicKey as KeyObject), jku: "https://evil.example/jwks" };
    const token = forgeToken({ header, payload: {}, key: own?.privateKey as KeyObject });
    expect(await verified(token, [publicJwk(other?.publicKey as KeyObject)])).toBe("ERR_TOKEN_SIGNATURE");
    expect(await verified(token, [publicJwk(own?.publicKey as KeyObject)])).toBe("accepted");
  });
});

describe("the error", () => {
  test("does not contain a part of the token or a cause", async () => {
    const { accessToken, jwks } = await startIssuer("ES256");
    const token = tamperPayload(await accessToken(), { note: "MARKER" });
    const error = await rejectionOf(verify(token, jwks.keys));
    const texts = `${error.message} ${error.detail} ${error.stack} ${JSON.stringify(error)}`;
    for (const part of [...token.split("."), "MARKER"]) expect(texts).not.toContain(part);
    expect(Object.hasOwn(error, "cause")).toBe(false);
  });

  test("is not an AccessTokenError if the verification itself fails", async () => {
    const { accessToken, jwks } = await startIssuer("ES256");
    const jws = parseCompactJws(await accessToken());
    const broken = { ...jws, token: "a token that is not a JWS" };
    const reason = await reasonOf(verifySignature(broken, createKeySet(jwks).find(jws)));
    expect(reason).toBeInstanceOf(Error);
    expect(reason).not.toBeInstanceOf(AccessTokenError);
  });
});

describe("an inherited array item", () => {
  test.each(["Object.prototype", "Array.prototype"])("on %s does not replace the signed bytes", async (where) => {
    const issuer = await startIssuer("ES256");
    const token = await issuer.accessToken();
    const [header, payload = "", signature] = token.split(".");
    const claims = Buffer.from(JSON.stringify({ sub: "administrator" })).toString("base64url");
    const forged = [header, claims, signature].join(".");
    expect(await verified(forged, issuer.jwks.keys)).toBe("ERR_TOKEN_SIGNATURE");
    const prototype: object = where === "Object.prototype" ? Object.prototype : Array.prototype;
    Object.assign(prototype, { 2: Buffer.from(payload) });
    try {
      expect(await reasonOf(verify(forged, issuer.jwks.keys))).not.toBeInstanceOf(AccessTokenError);
      await expect(verify(token, issuer.jwks.keys)).rejects.toThrow("numbered members");
    } finally {
      Reflect.deleteProperty(prototype, "2");
    }
    expect(await verified(token, issuer.jwks.keys)).toBe("accepted");
  });
});
