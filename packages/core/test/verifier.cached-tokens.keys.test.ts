import { type Issuer, tamperPayload, tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { VerifierOptions } from "../src/options/configuration.ts";
import { createVerifier, type Verifier } from "../src/verifier.ts";
import { json, startEndpoint, status } from "./support/endpoint.ts";
import { outcomeOf } from "./support/outcome.ts";
import { startCachingApi } from "./support/caching-api.ts";
import { client, now, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

const minute = 60_000;
const [issuer, other] = await Promise.all([startIssuer(), startIssuer()]);
const [key] = issuer.jwks.keys;
const [otherKey] = other.jwks.keys;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  // Simulates a process that has been running for a while.
  vi.advanceTimersByTime(1000);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a cached token whose issuer publishes other keys", () => {
  test("is rejected once its key is removed", async () => {
    const { outcome, replaceKeys } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    await replaceKeys({ keys: [{ ...otherKey }] });
    expect(await outcome(token)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcome(token, { clientCertificate: thief.certificate })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected once another key has its kid", async () => {
    const { outcome, replaceKeys } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    await replaceKeys({ keys: [{ ...otherKey, kid: key?.kid ?? "" }] });
    expect(await outcome(token)).toBe("ERR_TOKEN_SIGNATURE");
  });

  test("is rejected once its key has another kid, alg, use or key_ops", async () => {
    for (const change of [{ kid: "renamed" }, { alg: "ES384" }, { use: "enc" }, { key_ops: ["sign"] }]) {
      const { outcome, replaceKeys } = await startCachingApi(issuer);
      const token = await issuer.accessToken({ boundTo: client });
      expect(await outcome(token)).toBe("accepted");
      await replaceKeys({ keys: [{ ...key, ...change }, { ...otherKey }] });
      expect(await outcome(token)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    }
  });

  test("is still cached if its key is among them", async () => {
    const { claims, replaceKeys } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    const first = await claims(token);
    await replaceKeys({ keys: [{ ...otherKey }, { ...key }] });
    expect(await claims(token)).toBe(first);
    await replaceKeys({ keys: [{ ...key }] });
    expect(await claims(token)).toBe(first);
  });

  test("is verified again if it has no kid, and its key now has another kid", async () => {
    const { claims, replaceKeys } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client, header: { kid: undefined } });
    const first = await claims(token);
    await replaceKeys({ keys: [{ ...key, kid: "renamed" }] });
    const second = await claims(token);
    expect(second).not.toBe(first);
    expect(await claims(token)).toBe(second);
  });

  test("is accepted again once its key is back", async () => {
    const { outcome, replaceKeys } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    await replaceKeys({ keys: [{ ...otherKey }] });
    expect(await outcome(token)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    await replaceKeys({ keys: [{ ...key }] });
    expect(await outcome(token)).toBe("accepted");
  });

  test("is rejected after the regular refresh of the keys, without a search for an unknown key", async () => {
    const { outcome, published } = await startCachingApi(issuer);
    const early = await issuer.accessToken({ boundTo: client });
    expect(await outcome(early)).toBe("accepted");
    vi.advanceTimersByTime(7.9 * minute);
    const token = await issuer.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    published.respondWith(json({ keys: [otherKey] }));
    vi.advanceTimersByTime(0.2 * minute);
    expect(await outcome(token)).toBe("accepted");
    await vi.waitFor(async () => expect(await outcome(token)).toBe("ERR_TOKEN_KEY_UNKNOWN"));
    expect(published.requests).toHaveLength(2);
  });
});

describe("a cached token whose issuer fails", () => {
  test("is accepted with the keys that were fetched before", async () => {
    const { outcome, claims, published } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client, expiresIn: 7200 });
    expect(await outcome(token)).toBe("accepted");
    published.respondWith(status(500, {}));
    vi.advanceTimersByTime(60 * minute);
    const first = await claims(token);
    expect(await claims(token)).toBe(first);
    vi.advanceTimersByTime(4.9 * minute);
    expect(await claims(token)).toBe(first);
  });

  test("is rejected once the keys are too old, even if it was accepted a minute before", async () => {
    const { outcome, claims, published } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client, expiresIn: 7200 });
    expect(await outcome(token)).toBe("accepted");
    published.respondWith(status(500, {}));
    vi.advanceTimersByTime(69 * minute);
    const first = await claims(token);
    expect(await claims(token)).toBe(first);
    vi.advanceTimersByTime(minute);
    expect(await outcome(token)).toBe("ERR_KEYS_UNAVAILABLE");
    expect(await outcome(token, { clientCertificate: thief.certificate })).toBe("ERR_BINDING_MISMATCH");
    published.respondWith(json(issuer.jwks));
    vi.advanceTimersByTime(minute);
    expect(await outcome(token)).toBe("accepted");
  });
});

describe("a token cached by another verifier", () => {
  const good = { clientCertificate: client.certificate };

  test.each<[string, VerifierOptions, string]>([
    ["another audience", { audience: "https://other.example" }, "ERR_TOKEN_AUDIENCE"],
    ["another issuer", { issuer: "https://other.example" }, "ERR_TOKEN_ISSUER"],
    ["other algorithms", { algorithms: ["RS256"] }, "ERR_TOKEN_ALGORITHM"],
    ["other types", { tokenTypes: ["other+jwt"] }, "ERR_TOKEN_TYPE"],
    ["other keys", { jwks: other.jwks }, "ERR_TOKEN_KEY_UNKNOWN"],
    ["a shorter age", { maxTokenAge: 1, clock: () => now + 6000 }, "ERR_TOKEN_EXPIRED"],
  ])("is rejected by a verifier with %s", async (_name, options, code) => {
    const token = await issuer.accessToken({ boundTo: client });
    const [first, second] = [verifierOf(issuer), verifierOf(issuer, options)];
    expect(await outcomeOf(first.verify(token, good))).toBe("accepted");
    expect(await outcomeOf(second.verify(token, good))).toBe(code);
    expect(await outcomeOf(first.verify(token, good))).toBe("accepted");
  });

  test("is verified again by a verifier with the same options", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    const [first, second] = [verifierOf(issuer), verifierOf(issuer)];
    const { claims } = await first.verify(token, good);
    expect((await second.verify(token, good)).claims).not.toBe(claims);
    expect((await first.verify(token, good)).claims).toBe(claims);
  });
});

describe("a verifier with two issuers", () => {
  const settings = ({ issuer: identifier, audience, jwks }: Issuer) => ({ issuer: identifier, audience, jwks });
  const verify = (verifier: Verifier, token: string) =>
    verifier.verify(token, { clientCertificate: client.certificate });

  test("caches tokens of both, and accepts no token that one signed for the other", async () => {
    const verifier = createVerifier({ issuer: [settings(issuer), settings(other)], clock: () => now });
    const tokens = await Promise.all([issuer, other].map((from) => from.accessToken({ boundTo: client })));
    const claims = await Promise.all(tokens.map(async (token) => (await verify(verifier, token)).claims));
    expect(claims.map(({ iss }) => iss)).toEqual([issuer.issuer, other.issuer]);
    for (const [index, token] of tokens.entries()) {
      expect((await verify(verifier, token)).claims).toBe(claims[index]);
    }
    const forged = await issuer.accessToken({ boundTo: client, claims: { iss: other.issuer } });
    expect(await outcomeOf(verify(verifier, forged))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("checks the audience of each issuer, whether the token is cached or not", async () => {
    const strict = await startIssuerInTest({ audience: "https://strict.example" });
    const verifier = createVerifier({ issuer: [settings(issuer), settings(strict)], clock: () => now });
    for (const [from, audience, expected] of [
      [strict, strict.audience, "accepted"],
      [issuer, strict.audience, "ERR_TOKEN_AUDIENCE"],
      [strict, issuer.audience, "ERR_TOKEN_AUDIENCE"],
      [issuer, issuer.audience, "accepted"],
    ] as const) {
      const token = await from.accessToken({ boundTo: client, claims: { aud: audience } });
      expect([await outcomeOf(verify(verifier, token)), await outcomeOf(verify(verifier, token))]).toEqual([
        expected,
        expected,
      ]);
    }
  });

  test("rejects only the tokens of the issuer that removed a key, if both had published it", async () => {
    const twin = "https://twin.example";
    const [endpoint, twinEndpoint] = await Promise.all([
      startEndpoint(json(issuer.jwks)),
      startEndpoint(json(issuer.jwks)),
    ]);
    const issuers = [
      { ...settings(issuer), jwks: endpoint.url },
      { ...settings(issuer), jwks: twinEndpoint.url, issuer: twin },
    ];
    const verifier = createVerifier({ issuer: issuers, clock: () => now });
    const token = await issuer.accessToken({ boundTo: client });
    const twinToken = await issuer.accessToken({ boundTo: client, claims: { iss: twin } });
    await verify(verifier, token);
    const { claims } = await verify(verifier, twinToken);
    endpoint.respondWith(json(other.jwks));
    vi.advanceTimersByTime(10_000);
    const unknown = await issuer.accessToken({ boundTo: client, header: { kid: "unknown" } });
    expect(await outcomeOf(verify(verifier, unknown))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(verify(verifier, token))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect((await verify(verifier, twinToken)).claims).toBe(claims);
  });
});

describe("a token that differs from a cached one", () => {
  const changed = (token: string, part: number, change: (text: string) => string) =>
    token
      .split(".")
      .map((text, index) => (index === part ? change(text) : text))
      .join(".");
  /** Encodes the same JSON with an additional space. */
  const respaced = (text: string) => Buffer.from(`${Buffer.from(text, "base64url").toString()} `).toString("base64url");

  test.each<[string, (token: string) => string, string]>([
    ["in a bit of its signature", tamperSignature, "ERR_TOKEN_SIGNATURE"],
    ["in a claim", (token) => tamperPayload(token, { scope: "admin" }), "ERR_TOKEN_SIGNATURE"],
    [
      "in its binding",
      (token) => tamperPayload(token, { cnf: { "x5t#S256": thief.thumbprint } }),
      "ERR_TOKEN_SIGNATURE",
    ],
    ["in white space in its header", (token) => changed(token, 0, respaced), "ERR_TOKEN_SIGNATURE"],
    ["in white space in its payload", (token) => changed(token, 1, respaced), "ERR_TOKEN_SIGNATURE"],
    ["in a signature that is missing", (token) => changed(token, 2, () => ""), "ERR_TOKEN_SIGNATURE"],
    ["in padding", (token) => `${token}=`, "ERR_TOKEN_MALFORMED"],
    ["in a space before it", (token) => ` ${token}`, "ERR_TOKEN_MALFORMED"],
    ["in a lone surrogate after it", (token) => `${token}\uD800`, "ERR_TOKEN_MALFORMED"],
  ])("%s is not found in the cache", async (_name, change, code) => {
    const { outcome, claims } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    const first = await claims(token);
    const presented = [client, thief].map(({ certificate }) => ({ clientCertificate: certificate }));
    const outcomes = await Promise.all(presented.map((use) => outcome(change(token), use)));
    expect(outcomes).not.toContain("accepted");
    expect(outcomes).toContain(code);
    expect(await claims(token)).toBe(first);
  });

  test("in any one character is not found in the cache", async () => {
    const { outcome, claims } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    const first = await claims(token);
    const swapped = (at: number) => `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
    const outcomes = await Promise.all(Array.from(token, (_character, at) => outcome(swapped(at))));
    expect(outcomes).toHaveLength(token.length);
    expect(outcomes).not.toContain("accepted");
    expect(await claims(token)).toBe(first);
  });
});
