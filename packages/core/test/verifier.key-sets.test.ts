import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { forgeToken } from "@certbound/testing";
import type { JWK } from "jose";
import { describe, expect, test } from "vitest";
import { createVerifier, type Verifier } from "../src/verifier.ts";
import { json, startEndpoint } from "./support/endpoint.ts";
import { eventsOf } from "./support/events.ts";
import { keyCreations } from "./support/key-creations.ts";
import { type Outcome, outcomeOf, rejectionOf } from "./support/outcome.ts";
import { client, now, seconds } from "./support/verification.ts";

const issuer = "https://issuer-of-many-keys.example";
const audience = "https://api.example";
const MEBIBYTE = 1024 * 1024;

const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const slow: JWK = { ...p521.publicKey.export({ format: "jwk" }), kid: "k" };
const offCurve: JWK = { ...slow, y: slow.x ?? "" };
const { kid: _kid, ...withoutKid } = slow;

function times(count: number, jwk: JWK): { readonly keys: readonly JWK[] } {
  return { keys: Array.from({ length: count }, () => jwk) };
}

const payload = { iss: issuer, aud: audience, exp: seconds + 300, cnf: { "x5t#S256": client.thumbprint } };

/** Creates a token with an invalid signature of the right length. */
function unsigned(kid?: string): string {
  return forgeToken({ header: { alg: "ES512", typ: "at+jwt", kid }, payload, signature: Buffer.alloc(132, 1) });
}

function signed(kid?: string): string {
  return forgeToken({ header: { alg: "ES512", typ: "at+jwt", kid }, payload, key: p521.privateKey });
}

/** Creates a verifier that fetches a key set from a local server. */
async function fetching(jwks: object): Promise<Verifier> {
  const { url } = await startEndpoint(json(jwks));
  return createVerifier({ issuer, audience, jwks: `${url}/jwks`, clock: () => now });
}

async function verified(verifier: Verifier, token: string): Promise<Outcome> {
  return outcomeOf(verifier.verify(token, { clientCertificate: client.certificate }));
}

/** Expects that every key was imported in a separate turn of the event loop. */
function expectTurnsBetween(creations: readonly number[]): void {
  expect(new Set(creations).size).toBe(creations.length);
}

describe("a key set of 1 MiB", () => {
  test.each([
    ["an unknown kid", "unknown"],
    ["a known kid", "k"],
    ["a missing kid", undefined],
  ])("with 4,598 slow keys is rejected without an import for a token with %s", async (_name, kid) => {
    const jwks = times(4598, slow);
    expect(JSON.stringify(jwks).length).toBeLessThan(MEBIBYTE);
    const verifier = await fetching(jwks);
    const creations = keyCreations();
    const events = eventsOf("certbound:keys", issuer);
    const error = await rejectionOf(verifier.verify(unsigned(kid), { clientCertificate: client.certificate }));
    expect(error.code).toBe("ERR_KEYS_UNAVAILABLE");
    expect(error.detail).toMatch(/4598.*1000/);
    expect(events).toMatchObject([{ outcome: "failed", detail: expect.stringMatching(/4598.*1000/) as string }]);
    expect(creations).toEqual([]);
  });

  test("may have 1,000 keys that can verify signatures, and any number of others", async () => {
    const encryption = { ...withoutKid, use: "enc" };
    const others = times(1000, encryption).keys;
    const verifier = await fetching({ keys: [...others, ...times(1000, slow).keys, ...others] });
    expect(await verified(verifier, signed("k"))).toBe("accepted");
    expect(await verified(await fetching(times(1001, slow)), signed("k"))).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test("may have at most 1,000 keys that can verify signatures if it is configured", () => {
    const configured = (count: number) => createVerifier({ issuer, audience, jwks: times(count, slow) });
    expect(() => configured(1000)).not.toThrow();
    expect(() => configured(1001)).toThrow(TypeError);
    expect(() => configured(1001)).toThrow(/^certbound: option "jwks" .*1001.*1000/);
  });
});

describe("a key set with 1,000 slow keys", () => {
  test.each<[string, string, JWK, Outcome, number]>([
    ["no key for a token with an unknown kid", "unknown", slow, "ERR_TOKEN_KEY_UNKNOWN", 0],
    ["four keys for a token with the kid of all of them", "k", slow, "ERR_TOKEN_SIGNATURE", 4],
    ["sixteen keys, if they are off the curve", "k", offCurve, "ERR_TOKEN_KEY_UNKNOWN", 16],
  ])("imports %s, with at most one import per turn of the event loop", async (_name, kid, jwk, expected, count) => {
    const verifier = await fetching(times(1000, jwk));
    const creations = keyCreations();
    expect(await verified(verifier, unsigned(kid))).toBe(expected);
    expect(creations).toHaveLength(count);
    expectTurnsBetween(creations);
  });

  test.each<[string, JWK, Outcome, number]>([
    ["four keys", withoutKid, "ERR_TOKEN_SIGNATURE", 4],
    ["sixteen keys, if they are off the curve,", { ...withoutKid, y: withoutKid.x ?? "" }, "ERR_TOKEN_KEY_UNKNOWN", 16],
  ])("without kid imports %s for a token without kid", async (_name, jwk, expected, count) => {
    const verifier = await fetching(times(1000, jwk));
    const creations = keyCreations();
    expect(await verified(verifier, unsigned())).toBe(expected);
    expect(creations).toHaveLength(count);
    expectTurnsBetween(creations);
  });

  test("imports only the first key, and only once, if it verifies the signature", async () => {
    const verifier = await fetching(times(1000, slow));
    const creations = keyCreations();
    expect([await verified(verifier, signed("k")), await verified(verifier, signed("k"))]).toEqual([
      "accepted",
      "accepted",
    ]);
    expect(creations).toHaveLength(1);
  });
});

describe("a key off the curve in the configuration", () => {
  const verifierOf = (...keys: readonly JWK[]) =>
    createVerifier({ issuer, audience, jwks: { keys }, clock: () => now });

  test("is accepted until a token needs it, and then counts as absent", async () => {
    const verifier = verifierOf(offCurve);
    await verifier.ready();
    for (let round = 0; round < 3; round += 1) {
      expect(await verified(verifier, signed("k"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    }
    expect(await verified(verifierOf(slow), signed("k"))).toBe("accepted");
  });

  test("is skipped if another key has the same kid", async () => {
    expect(await verified(verifierOf(offCurve, slow), signed("k"))).toBe("accepted");
  });

  test("does not count towards the limit of sixteen for the next token", async () => {
    const verifier = verifierOf(...times(20, offCurve).keys, slow);
    const creations = keyCreations();
    expect(await verified(verifier, signed("k"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await verified(verifier, signed("k"))).toBe("accepted");
    expect(creations).toHaveLength(21);
    expectTurnsBetween(creations.slice(0, 16));
    expectTurnsBetween(creations.slice(16));
  });
});

describe("an RSA key whose signatures can be forged", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const good: JWK = { ...publicKey.export({ format: "jwk" }), kid: "good" };
  const header = { alg: "RS256", typ: "at+jwt" };
  const modulus = Buffer.from(good.n ?? "", "base64url");
  const even = Buffer.concat([modulus.subarray(0, -1), Buffer.of(2)]).toString("base64url");

  /** Creates a token whose signature is the padded hash itself, which is valid for the exponent 1. */
  function forged(kid: string): string {
    const parts = { header: { ...header, kid }, payload };
    const input = forgeToken(parts).slice(0, -1);
    const digestInfo = Buffer.from("3031300d060960864801650304020105000420", "hex");
    const digest = Buffer.concat([digestInfo, createHash("sha256").update(input).digest()]);
    const padding = Buffer.alloc(256 - 3 - digest.length, 0xff);
    return forgeToken({ ...parts, signature: Buffer.concat([Buffer.of(0, 1), padding, Buffer.of(0), digest]) });
  }

  test.each([
    ["the exponent 1", { e: "AQ" }],
    ["the exponent 1 after zero bytes", { e: "AAAB" }],
    ["the exponent 0", { e: "AA" }],
    ["the exponent 2", { e: "Ag" }],
    ["an even modulus", { n: even }],
    ["an even modulus and the exponent 1", { n: even, e: "AQ" }],
  ])("is not used if it has %s", async (_name, members) => {
    const verifier = createVerifier({
      issuer,
      audience,
      jwks: { keys: [good, { ...good, ...members, kid: "weak" }] },
      clock: () => now,
    });
    expect(await verified(verifier, forged("weak"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await verified(verifier, forged("good"))).toBe("ERR_TOKEN_SIGNATURE");
    expect(await verified(verifier, signedBy(privateKey))).toBe("accepted");
  });

  function signedBy(key: KeyObject): string {
    return forgeToken({ header: { ...header, kid: "good" }, payload, key });
  }
});
