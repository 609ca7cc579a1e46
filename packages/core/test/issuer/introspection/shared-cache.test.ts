import { CompactEncrypt } from "jose";
import { describe, expect, test } from "vitest";
import {
  createSharedCache,
  type IntrospectionSubject,
  type SharedCache,
} from "../../../src/issuer/introspection/shared-cache.ts";
import { listen } from "../../support/introspection-events.ts";
import { cacheKey, type OpenStore, openStore } from "../../support/stores.ts";

const subject: IntrospectionSubject = {
  issuer: "https://issuer.example",
  endpoint: "https://issuer.example/introspect",
  clientId: "api",
  signedResponse: false,
  token: "token-1",
};
const result = { response: { active: true, sub: "user-1", cnf: { "x5t#S256": "x" } }, askedAt: 2_000_000_000_000 };
const minute = 60_000;

/** Subjects that each differ from `subject`. Some would be equal to it if their parts were only concatenated. */
const others: readonly (readonly [string, IntrospectionSubject])[] = [
  ["issuer", { ...subject, issuer: "https://issuer.example/" }],
  ["endpoint", { ...subject, endpoint: "https://issuer.example/introspect2" }],
  ["client", { ...subject, clientId: "API" }],
  ["signedResponse", { ...subject, signedResponse: true }],
  ["token", { ...subject, token: "token-2" }],
  ["border between client and token", { ...subject, clientId: "apito", token: "ken-1" }],
  ["order of client and token", { ...subject, clientId: "token-1", token: "api" }],
  ["quote in the token", { ...subject, clientId: 'api","token-1', token: "" }],
];

/** Creates a cache with one entry, and its store. */
async function arrange(): Promise<{ readonly store: OpenStore; readonly cache: SharedCache; readonly name: string }> {
  const store = openStore();
  const cache = createSharedCache({ store: store.cache, key: cacheKey });
  await cache.write(subject, result, minute);
  const [name = ""] = store.names();
  return { store, cache, name };
}

describe("an entry", () => {
  test("is found unchanged by every process with the same key", async () => {
    const { store, cache } = await arrange();
    expect(await cache.read(subject)).toEqual(result);
    expect(await createSharedCache({ store: store.cache, key: cacheKey }).read({ ...subject })).toEqual(result);
  });

  test("is found if another process wrote it, by the same HMAC-SHA-256 as its name", async () => {
    const { name } = await arrange();
    expect(name).toBe("certbound:introspection:OgzrIfIC8ayU6xeybGFcWF0aWg6-6zfZq0hHg2kNTkk");
    const { cache, plant } = openStore();
    await plant(
      name,
      "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..4PCRi9KKNon2DLXt.yKJcaOZdjeb0Yyc9s8tTYAwBb9pyE4XbPVCbss3r8pkrsC773" +
        "bQXbir90Ru1CU41pDWgjOg1qUbpuq9wUykN-sqEPErrcD41ZRD4LGF0b8x-Nskl5zlEATCG.El0l2qmickzD6jl8uLvB5Q",
    );
    expect(await createSharedCache({ store: cache, key: cacheKey }).read(subject)).toEqual(result);
  });

  test.each([
    ["has no time", { ...result, askedAt: Number.NaN }],
    ["has no response", { askedAt: result.askedAt, response: null as never }],
    ["is not an object", null as never],
  ])("is ignored if it %s, even if it is authentic", async (_name, incomplete) => {
    const { cache } = await arrange();
    await cache.write(subject, incomplete, minute);
    expect(await cache.read(subject)).toBeUndefined();
    await cache.write(subject, result, minute);
    expect(await cache.read(subject)).toEqual(result);
  });

  test("is replaced by a new entry for the same subject", async () => {
    const { store, cache } = await arrange();
    const newer = { response: { active: true }, askedAt: result.askedAt + 1 };
    await cache.write(subject, newer, minute);
    expect(await cache.read(subject)).toEqual(newer);
    expect(store.names()).toHaveLength(1);
  });

  test.each(others)("is not found with another %s", async (_name, other) => {
    const events = listen();
    const { store, cache } = await arrange();
    expect(await cache.read(other)).toBeUndefined();
    await cache.write(other, result, minute);
    expect(new Set(store.names()).size).toBe(2);
    expect(events.all).toEqual([]);
  });

  test("is not found with another key", async () => {
    const { store } = await arrange();
    expect(await createSharedCache({ store: store.cache, key: `${cacheKey}.` }).read(subject)).toBeUndefined();
  });

  test("has a different value each time it is written", async () => {
    const { store, cache, name } = await arrange();
    const before = (await store.values())[name];
    await cache.write(subject, result, minute);
    expect((await store.values())[name]).not.toBe(before);
  });

  test("preserves all JSON, including members with unusual names", async () => {
    const { cache } = await arrange();
    const response = JSON.parse('{"active":true,"__proto__":{"a":1},"constructor":1,"é":"\\u0000\\ud83d"}') as object;
    await cache.write(subject, { ...result, response: response as Record<string, unknown> }, minute);
    const found = await cache.read(subject);
    expect(JSON.stringify(found?.response)).toBe(JSON.stringify(response));
    expect(Object.getPrototypeOf(found?.response)).toBe(Object.prototype);
  });

  test("is not written if it is longer than 128 KiB, and does not change the previous entry", async () => {
    const { cache } = await arrange();
    const long = (length: number) => ({ ...result, response: { active: true, text: "x".repeat(length) } });
    await cache.write(subject, long(128 * 1024), minute);
    expect(await cache.read(subject)).toEqual(result);
    await cache.write(subject, long(90 * 1024), minute);
    expect(await cache.read(subject)).toEqual(long(90 * 1024));
  });

  test("is not reported if it does not exist", async () => {
    const events = listen();
    for (const nothing of [undefined, null]) {
      const store = { get: async () => nothing, set: async () => true };
      expect(await createSharedCache({ store, key: cacheKey }).read(subject)).toBeUndefined();
    }
    expect(events.all).toEqual([]);
  });
});

describe("an entry that is not authentic", () => {
  /** Encrypts a value like an entry, but with another key. */
  async function sealed(value: unknown, key: Uint8Array = new Uint8Array(32)): Promise<string> {
    const plaintext = new TextEncoder().encode(JSON.stringify(value));
    return new CompactEncrypt(plaintext).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(key);
  }

  /** Returns an entry for another subject, or with another secret. */
  async function entryOf(other: IntrospectionSubject, key = cacheKey): Promise<unknown> {
    const store = openStore();
    await createSharedCache({ store: store.cache, key }).write(other, result, minute);
    return Object.values(await store.values())[0];
  }

  type Entry = (authentic: string) => unknown;
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const slowHeader = { alg: "PBES2-HS256+A128KW", enc: "A256GCM", p2s: "AAAAAAAAAAA", p2c: 2_000_000_000 };
  const part = (authentic: string, index: number): string => authentic.split(".")[index] ?? "";
  const changed = (authentic: string, index: number): string =>
    authentic
      .split(".")
      .map((text, at) => (at === index ? (text.startsWith("A") ? "B" : "A") + text.slice(1) : text))
      .join(".");

  test.each<[string, Entry]>([
    ["the JSON of the content", () => JSON.stringify(result)],
    ["the content as an object", () => result],
    ["a response only", () => ({ active: true })],
    ["a JWE with another key", () => sealed(result)],
    ["a JWE with a password, which is slow to decrypt", () => `${encoded(slowHeader)}.AAAA.AAAA.AAAA.AAAA`],
    ["an unsecured JWS", () => `${encoded({ alg: "none" })}.${encoded(result)}.`],
    ["half of the entry", (authentic) => authentic.slice(0, authentic.length / 2)],
    ["all but its last character", (authentic) => authentic.slice(0, -1)],
    ["another header", (authentic) => changed(authentic, 0)],
    ["another initialization vector", (authentic) => changed(authentic, 2)],
    ["another ciphertext", (authentic) => changed(authentic, 3)],
    ["another tag", (authentic) => changed(authentic, 4)],
    ["an empty tag", (authentic) => authentic.slice(0, authentic.lastIndexOf(".") + 1)],
    ["a truncated tag", (authentic) => authentic.slice(0, authentic.lastIndexOf(".") + 9)],
    ["an encrypted key", (authentic) => authentic.replace("..", ".AAAA.")],
    ["the header only", (authentic) => part(authentic, 0)],
    ["the entry with an additional character", (authentic) => `${authentic}x`],
    ["the entry in a list", (authentic) => [authentic]],
    ["the entry in an object", (authentic) => ({ toString: authentic, length: 1 })],
    ["the entry as bytes", (authentic) => Buffer.from(authentic)],
    ["a huge string", () => "A".repeat(5_000_000)],
    ["a huge number of dots", () => ".".repeat(100_000)],
    ["an empty string", () => ""],
    ["a number", () => 1],
    ["zero", () => 0],
    ["true", () => true],
    ["false", () => false],
    ["the entry of another token", () => entryOf({ ...subject, token: "token-2" })],
    ["the entry of another client", () => entryOf({ ...subject, clientId: "other" })],
    ["the entry of a signed response", () => entryOf({ ...subject, signedResponse: true })],
    ["the entry with another secret", () => entryOf(subject, `${cacheKey}.`)],
  ])("is ignored and reported: %s", async (_name, entry) => {
    const { store, cache, name } = await arrange();
    const authentic = String((await store.values())[name]);
    await store.plant(name, await entry(authentic));
    const events = listen();
    expect(await cache.read(subject)).toBeUndefined();
    expect(events.all).toEqual([{ issuer: subject.issuer, outcome: "cache-refused", detail: expect.any(String) }]);
    await store.plant(name, authentic);
    expect(await cache.read(subject)).toEqual(result);
  });

  test("does not pause the use of the store", async () => {
    const { store, cache, name } = await arrange();
    await store.plant(name, "planted");
    expect(await cache.read(subject)).toBeUndefined();
    await cache.write(subject, result, minute);
    expect(await cache.read(subject)).toEqual(result);
  });
});
