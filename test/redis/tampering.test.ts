import type { Verifier } from "@certbound/core";
import { createIssuer, type Identity, type Issuer } from "@certbound/testing";
import { createCipheriv, randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createIntrospectionCache } from "./introspection-cache.js";
import { type Entry, redisBinary, type RedisServer, startRedis } from "./redis-server.ts";
import { anotherKey, CACHE_DURATION, client, introspectionsOf, outcomeOf, thief, verifierWith } from "./verifiers.ts";

/** A Redis that somebody else can write to, and an issuer that is asked about tokens. */
interface Scene {
  readonly redis: RedisServer;
  readonly issuer: Issuer;
  /** How often the issuer was asked about a token. */
  readonly introspections: () => number;
  /** Makes a verifier that caches nothing yet, and may read from Redis. */
  readonly verifier: (settings?: Parameters<typeof verifierWith>[2]) => Verifier;
  /** Has a token verified, and gives the entry that this leaves. */
  readonly cacheResponse: (token: string, verifier: Verifier) => Promise<Entry>;
  /** The outcomes that were published so far, but for those of asking the issuer. */
  readonly reports: readonly string[];
}

/** What somebody writes, who knows what is in Redis, and what the answers look like, but not the secret. */
type Forgery = (known: { readonly entry: Entry; readonly answer: string }) => string;

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
  const note = (event: unknown): void => {
    const { outcome } = event as { readonly outcome: string };
    if (outcome.startsWith("cache-")) reports.push(outcome);
  };
  subscribe("certbound:introspection", note);
  onTestFinished(() => void unsubscribe("certbound:introspection", note));

  const cacheResponse: Scene["cacheResponse"] = async (token, by) => {
    const before = new Set((await redis.entries()).map(({ name }) => name));
    await outcomeOf(by, token, client);
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

/** What Keyv writes for a value that is to stay. */
function stored(value: unknown): string {
  return JSON.stringify({ value });
}

/** A JWE as certbound writes it (RFC 7516 section 7.1), but under a key that nobody has. */
function encryptedByOthers(plaintext: string): string {
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

/** What an entry holds, with one character replaced, so many after the last dot. */
function altered({ value }: Entry, offset: number): string {
  const { value: sealed } = JSON.parse(value) as { readonly value: string };
  const at = sealed.lastIndexOf(".") + offset;
  return stored(`${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`);
}

describeWithProgram(redisBinary, "somebody who can write to Redis", () => {
  test.each<[string, Forgery, readonly string[]]>([
    ["an answer in JSON", ({ answer }) => stored(answer), ["cache-refused"]],
    ["an answer that is an object", ({ answer }) => stored(JSON.parse(answer)), ["cache-refused"]],
    ["an answer under a key of theirs", ({ answer }) => stored(encryptedByOthers(answer)), ["cache-refused"]],
    ["an answer that claims no encryption", ({ answer }) => stored(withoutEncryption(answer)), ["cache-refused"]],
    ["the entry with other content", ({ entry }) => altered(entry, -30), ["cache-refused"]],
    ["the entry with another tag", ({ entry }) => altered(entry, 3), ["cache-refused"]],
    ["text", () => stored("active"), ["cache-refused"]],
    ["an answer that to Keyv is none", ({ answer }) => answer, []],
  ])("cannot plant an answer: %s", async (_what, forge, expected) => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const entry = await cacheResponse(token, verifier());
    const forged = forge({ entry, answer: answerFor(thief, issuer) });
    await redis.overwrite(entry.name, forged);
    await expectRightAnswers(verifier(), token);
    expect(introspections()).toBe(2);
    expect(reports).toEqual(expected);
    await expectReplaced(redis, { ...entry, value: forged });
  });

  test("can have Redis left alone for some seconds, by what Keyv fails on", async () => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const { name } = await cacheResponse(token, verifier());
    await redis.overwrite(name, `{${answerFor(thief, issuer)}`);
    await expectRightAnswers(verifier(), token);
    expect(introspections()).toBe(2);
    expect(reports).toEqual(["cache-unavailable"]);
  });

  test("cannot use the answer on a token of their own for somebody else's", async () => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const [token, own] = await Promise.all([
      issuer.opaqueToken({ boundTo: client }),
      issuer.opaqueToken({ boundTo: thief }),
    ]);
    const entry = await cacheResponse(token, verifier());
    const { value } = await cacheResponse(own, verifier());
    await redis.overwrite(entry.name, value);
    await expectRightAnswers(verifier(), token);
    expect(introspections()).toBe(3);
    expect(reports).toEqual(["cache-refused"]);
    await expectReplaced(redis, { ...entry, value });
  });

  test("cannot use an answer from under another cacheKey", async () => {
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
  ])("cannot replace %s by %s about the same token", async (_replaced, _by, signedResponse) => {
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
  ])("cannot prolong an answer: %s cacheDuration", async (_when, seconds, outcome, asked) => {
    const { redis, issuer, verifier, cacheResponse, introspections, reports } = await createScene();
    const token = await issuer.opaqueToken({ boundTo: client });
    const { name, value } = await cacheResponse(token, verifier());
    issuer.revoke(token);
    await redis.overwrite(name, stored((JSON.parse(value) as { readonly value: string }).value));
    const later = verifier({ clock: () => Date.now() + (CACHE_DURATION + seconds) * 1000 });
    expect(await outcomeOf(later, token, client)).toBe(outcome);
    expect(introspections()).toBe(asked);
    expect(reports).toEqual([]);
  });
});

/** The answer that somebody would like to be given for a token of somebody else. */
function answerFor({ thumbprint }: Identity, { audience }: Issuer): string {
  const response = { active: true, aud: audience, cnf: { "x5t#S256": thumbprint } };
  return JSON.stringify({ response, askedAt: Date.now() });
}

/** What Redis holds is what the issuer said, once more. */
async function expectReplaced(redis: RedisServer, forged: Entry): Promise<void> {
  await vi.waitFor(
    async () => {
      const entry = (await redis.entries()).find(({ name }) => name === forged.name);
      expect(entry?.value).not.toBe(forged.value);
    },
    { timeout: 10_000 },
  );
}

/** The token is its client's, and of no use to anybody else. */
async function expectRightAnswers(verifier: Verifier, token: string): Promise<void> {
  expect(await outcomeOf(verifier, token, thief)).toBe("ERR_BINDING_MISMATCH");
  expect(await outcomeOf(verifier, token, client)).toBe("accepted");
}
