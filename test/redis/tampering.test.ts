import type { Verifier } from "@certbound/core";
import { createIssuer, type Identity, type Issuer } from "@certbound/testing";
import { createCipheriv, randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createIntrospectionCache } from "./introspection-cache.js";
import { type Entry, redisBinary, type RedisServer, startRedis } from "./redis-server.ts";
import { anotherKey, CACHE_DURATION, client, introspectionsOf, outcomeOf, thief, verifierWith } from "./verifiers.ts";

/** A Redis server that an attacker can write to, and an issuer with an introspection endpoint. */
interface Scene {
  readonly redis: RedisServer;
  readonly issuer: Issuer;
  /** Returns the number of introspection requests. */
  readonly introspections: () => number;
  /** Creates a verifier with an empty local cache. */
  readonly verifier: (settings?: Parameters<typeof verifierWith>[2]) => Verifier;
  /** Verifies a token, and returns the entry that the verifier writes. */
  readonly cacheResponse: (token: string, verifier: Verifier) => Promise<Entry>;
  /** The outcomes of the cache that were published so far. */
  readonly reports: readonly string[];
}

/** Returns a forged entry of an attacker who knows the entry and the format of responses, but not the cacheKey. */
type Forgery = (known: { readonly entry: Entry; readonly response: string }) => string;

async function createScene(): Promise<Scene> {
  const redis = await startRedis();
  const issuer = await createIssuer();
  onTestFinished(issuer.close);
  const cache = createIntrospectionCache({ socket: { path: redis.socket, tls: false } }, ({ message }) =>
    expect.unreachable(message),
  );
  onTestFinished(() => cache.disconnect());
  await cache.get("nothing");
  const reports: string[] = [];
  const record = (event: unknown): void => {
    const { outcome } = event as { readonly outcome: string };
    if (outcome.startsWith("cache-")) reports.push(outcome);
  };
  subscribe("certbound:introspection", record);
  onTestFinished(() => void unsubscribe("certbound:introspection", record));

  const cacheResponse: Scene["cacheResponse"] = async (token, verifier) => {
    const before = new Set((await redis.entries()).map(({ name }) => name));
    await outcomeOf(verifier, token, client);
    return vi.waitFor(
      async () => {
        const added = (await redis.entries()).filter(({ name }) => !before.has(name));
        expect(added).toHaveLength(1);
        return added[0] as Entry;
      },
      { timeout: 10_000 },
    );
  };
  return {
    redis,
    issuer,
    introspections: () => introspectionsOf(issuer),
    verifier: (settings) => verifierWith(cache, issuer, settings),
    cacheResponse,
    reports,
  };
}

/** Returns the text that Keyv writes for a value that does not expire. */
function stored(value: unknown): string {
  return JSON.stringify({ value });
}

/** Returns a JWE in the format of certbound (RFC 7516 section 7.1), but encrypted with a random key. */
function encryptedWithRandomKey(plaintext: string): string {
  const header = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString("base64url");
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", randomBytes(32), iv).setAAD(Buffer.from(header));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const [nonce, text, tag] = [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString("base64url"));
  return `${header}..${nonce}.${text}.${tag}`;
}

function withoutEncryption(plaintext: string): string {
  const [header, text] = ['{"alg":"none","enc":"none"}', plaintext].map((part) =>
    Buffer.from(part).toString("base64url"),
  );
  return `${header}...${text}.`;
}

/** Returns the value of an entry with one character replaced, at this offset from the last dot. */
function altered({ value }: Entry, offset: number): string {
  const { value: sealed } = JSON.parse(value) as { readonly value: string };
  const at = sealed.lastIndexOf(".") + offset;
  return stored(`${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`);
}

describeWithProgram(redisBinary, "an attacker who can write to Redis", () => {
  test.each<[string, Forgery, readonly string[]]>([
    ["a response in JSON", ({ response }) => stored(response), ["cache-refused"]],
    ["a response that is an object", ({ response }) => stored(JSON.parse(response)), ["cache-refused"]],
    [
      "a response that is encrypted with the attacker's key",
      ({ response }) => stored(encryptedWithRandomKey(response)),
      ["cache-refused"],
    ],
    [
      "a response that declares no encryption",
      ({ response }) => stored(withoutEncryption(response)),
      ["cache-refused"],
    ],
    ["the entry with changed content", ({ entry }) => altered(entry, -30), ["cache-refused"]],
    ["the entry with a changed tag", ({ entry }) => altered(entry, 3), ["cache-refused"]],
    ["text", () => stored("active"), ["cache-refused"]],
    ["a response without the format of Keyv", ({ response }) => response, []],
  ])("cannot forge a response: %s", async (_what, forge, expected) => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const entry = await cacheResponse(token, verifier());
    const forged = forge({ entry, response: responseFor(thief, issuer) });
    await redis.overwrite(entry.name, forged);
    await expectCorrectOutcomes(verifier(), token);
    expect(introspections()).toBe(2);
    expect(reports).toEqual(expected);
    await expectReplaced(redis, { ...entry, value: forged });
  });

  test("can only make verifiers stop using Redis for some seconds, with a value that Keyv cannot parse", async () => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const { name } = await cacheResponse(token, verifier());
    await redis.overwrite(name, `{${responseFor(thief, issuer)}`);
    await expectCorrectOutcomes(verifier(), token);
    expect(introspections()).toBe(2);
    expect(reports).toEqual(["cache-unavailable"]);
  });

  test("cannot use the response for the attacker's token for a stolen token", async () => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const [token, own] = await Promise.all([
      issuer.opaqueToken({ boundTo: client }),
      issuer.opaqueToken({ boundTo: thief }),
    ]);
    const entry = await cacheResponse(token, verifier());
    const { value } = await cacheResponse(own, verifier());
    await redis.overwrite(entry.name, value);
    await expectCorrectOutcomes(verifier(), token);
    expect(introspections()).toBe(3);
    expect(reports).toEqual(["cache-refused"]);
    await expectReplaced(redis, { ...entry, value });
  });

  test("cannot use a response that is encrypted with another cacheKey", async () => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const entry = await cacheResponse(token, verifier());
    const { value } = await cacheResponse(token, verifier({ key: anotherKey }));
    issuer.revoke(token);
    await redis.overwrite(entry.name, value);
    expect(await outcomeOf(verifier(), token, client)).toBe("ERR_TOKEN_INACTIVE");
    expect(introspections()).toBe(3);
    expect(reports).toEqual(["cache-refused"]);
  });

  test.each([
    ["a signed response", "an unsigned one", true],
    ["an unsigned response", "a signed one", false],
  ])("cannot replace %s with %s for the same token", async (_replaced, _by, signedResponse) => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const entry = await cacheResponse(token, verifier({ signedResponse }));
    const { value } = await cacheResponse(token, verifier({ signedResponse: !signedResponse }));
    issuer.revoke(token);
    expect(await outcomeOf(verifier({ signedResponse }), token, client)).toBe("accepted");
    expect(introspections()).toBe(2);
    await redis.overwrite(entry.name, value);
    expect(await outcomeOf(verifier({ signedResponse }), token, client)).toBe("ERR_TOKEN_INACTIVE");
    expect(introspections()).toBe(3);
    expect(reports).toEqual(["cache-refused"]);
  });

  test.each([
    ["before", -10, "accepted", 1],
    ["after", 1, "ERR_TOKEN_INACTIVE", 2],
  ])("cannot extend the lifetime of a response: %s cacheDuration", async (_when, seconds, outcome, requests) => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const { name, value } = await cacheResponse(token, verifier());
    issuer.revoke(token);
    await redis.overwrite(name, stored((JSON.parse(value) as { readonly value: string }).value));
    const later = verifier({ clock: () => Date.now() + (CACHE_DURATION + seconds) * 1000 });
    expect(await outcomeOf(later, token, client)).toBe(outcome);
    expect(introspections()).toBe(requests);
    expect(reports).toEqual([]);
  });
});

/** Returns the response that an attacker needs to use a token of another client. */
function responseFor({ thumbprint }: Identity, { audience }: Issuer): string {
  const response = { active: true, aud: audience, cnf: { "x5t#S256": thumbprint } };
  return JSON.stringify({ response, askedAt: Date.now() });
}

/** Waits until the verifier has replaced the forged entry with the response of the issuer. */
async function expectReplaced(redis: RedisServer, forged: Entry): Promise<void> {
  await vi.waitFor(
    async () => {
      const entry = (await redis.entries()).find(({ name }) => name === forged.name);
      expect(entry?.value).not.toBe(forged.value);
    },
    { timeout: 10_000 },
  );
}

/** Expects that the token is accepted only from its client. */
async function expectCorrectOutcomes(verifier: Verifier, token: string): Promise<void> {
  expect(await outcomeOf(verifier, token, thief)).toBe("ERR_BINDING_MISMATCH");
  expect(await outcomeOf(verifier, token, client)).toBe("accepted");
}
