import { createHmac } from "node:crypto";
import { CompactEncrypt } from "jose";
import { describe, expect, test } from "vitest";
import { createSharedCache } from "../../../src/issuer/introspection/shared-cache.ts";
import { cacheKey, changingStore, openStore } from "../../support/stores.ts";

const subject = {
  issuer: "https://issuer.example",
  endpoint: "https://issuer.example/i",
  clientId: "api",
  signedResponse: false,
  token: "t",
};
const result = { response: { active: true }, askedAt: 2_000_000_000_000 };
const minute = 60_000;
/** The maximum length of a value, both for writing and for reading. */
const limit = 128 * 1024;

/** Creates an authentic entry, with any content and encryption. */
async function sealed(content: unknown, enc = "A256GCM"): Promise<string> {
  const { issuer, endpoint, clientId, signedResponse, token } = subject;
  const key = createHmac("sha256", cacheKey)
    .update(JSON.stringify(["certbound introspection 2", "value", issuer, endpoint, clientId, signedResponse, token]))
    .digest();
  return new CompactEncrypt(Buffer.from(JSON.stringify(content))).setProtectedHeader({ alg: "dir", enc }).encrypt(key);
}

/** Creates a cache and its store. */
function arrange() {
  const store = openStore();
  return { store, cache: createSharedCache({ store: store.cache, key: cacheKey }) };
}

const paddedTo = (length: number) => ({ ...result, response: { active: true, padding: "x".repeat(length) } });

describe("an entry of the shared cache", () => {
  test("is ignored if it is encrypted with the right key, but not with AES-256-GCM", async () => {
    const { store, cache } = arrange();
    await cache.write(subject, result, minute);
    const [name = ""] = store.names();
    await store.plant(name, await sealed(result));
    expect(await cache.read(subject)).toEqual(result);
    await store.plant(name, await sealed(result, "A128CBC-HS256"));
    expect(await cache.read(subject)).toBeUndefined();
  });

  test("is neither written nor read if it is longer than 128 KiB", async () => {
    const { store, cache } = arrange();
    await cache.write(subject, result, minute);
    const [name = ""] = store.names();
    const longest = await longestPadding();
    expect(await sealed(paddedTo(longest))).toHaveLength(limit);
    await cache.write(subject, paddedTo(longest), minute);
    expect(await cache.read(subject)).toEqual(paddedTo(longest));
    await cache.write(subject, paddedTo(longest + 1), minute);
    expect(await cache.read(subject)).toEqual(paddedTo(longest));
    await store.plant(name, await sealed(paddedTo(longest + 1)));
    expect(await cache.read(subject)).toBeUndefined();
  });

  test("is not written if it cannot be serialized, and causes no error", async () => {
    const { store, cache } = arrange();
    await expect(cache.write(subject, { ...result, response: { n: 1n } }, minute)).resolves.toBeUndefined();
    expect(store.names()).toEqual([]);
  });
});

test("a shared cache does not call a store again directly after a failure, by the default clock", async () => {
  const store = changingStore();
  const cache = createSharedCache({ store, key: cacheKey });
  store.behave(() => Promise.reject(new Error("down")));
  await cache.read(subject);
  await cache.read(subject);
  expect(store.calls).toEqual(["get"]);
});

/** Returns the padding of the longest possible entry. Encryption adds a constant length, base64url adds a third. */
async function longestPadding(): Promise<number> {
  const { length } = await sealed(paddedTo(0));
  let padding = Math.floor(((limit - length) * 3) / 4);
  while ((await sealed(paddedTo(padding + 1))).length <= limit) padding += 1;
  return padding;
}
