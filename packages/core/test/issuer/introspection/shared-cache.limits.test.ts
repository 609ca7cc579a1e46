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
const answer = { response: { active: true }, askedAt: 2_000_000_000_000 };
const minute = 60_000;
/** The longest value that is written and read. */
const limit = 128 * 1024;

/** An entry as whoever has the secret can make it. */
async function sealed(content: unknown, enc = "A256GCM"): Promise<string> {
  const { issuer, endpoint, clientId, signedResponse, token } = subject;
  const key = createHmac("sha256", cacheKey)
    .update(JSON.stringify(["certbound introspection 2", "value", issuer, endpoint, clientId, signedResponse, token]))
    .digest();
  return new CompactEncrypt(Buffer.from(JSON.stringify(content))).setProtectedHeader({ alg: "dir", enc }).encrypt(key);
}

/** A cache, and the store below it. */
function arrange() {
  const store = openStore();
  return { store, cache: createSharedCache({ store: store.cache, key: cacheKey }) };
}

const paddedTo = (length: number) => ({ ...answer, response: { active: true, padding: "x".repeat(length) } });

describe("an entry of the shared cache", () => {
  test("is read that was encrypted with AES-256-GCM, and none that was encrypted otherwise under the same key", async () => {
    const { store, cache } = arrange();
    await cache.write(subject, answer, minute);
    const [name = ""] = store.names();
    await store.plant(name, await sealed(answer));
    expect(await cache.read(subject)).toEqual(answer);
    await store.plant(name, await sealed(answer, "A128CBC-HS256"));
    expect(await cache.read(subject)).toBeUndefined();
  });

  test("has 128 KiB at most, both when it is written and when it is read", async () => {
    const { store, cache } = arrange();
    await cache.write(subject, answer, minute);
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

  test("that cannot be written is left out, and nothing is thrown", async () => {
    const { store, cache } = arrange();
    await expect(cache.write(subject, { ...answer, response: { n: 1n } }, minute)).resolves.toBeUndefined();
    expect(store.names()).toEqual([]);
  });
});

test("a store that failed is left alone, by the time of the process", async () => {
  const store = changingStore();
  const cache = createSharedCache({ store, key: cacheKey });
  store.behave(() => Promise.reject(new Error("down")));
  await cache.read(subject);
  await cache.read(subject);
  expect(store.calls).toEqual(["get"]);
});

/** How much padding makes an entry as long as it may be: encryption adds a constant, base64url a third. */
async function longestPadding(): Promise<number> {
  const { length } = await sealed(paddedTo(0));
  let padding = Math.floor(((limit - length) * 3) / 4);
  while ((await sealed(paddedTo(padding + 1))).length <= limit) padding += 1;
  return padding;
}
