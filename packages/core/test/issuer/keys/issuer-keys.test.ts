import { createIssuer } from "@certbound/testing";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseVerifierOptions } from "../../../src/options/verifier-options.ts";
import type { VerifierOptions } from "../../../src/options/configuration.ts";
import { createIssuerKeys } from "../../../src/issuer/keys/issuer-keys.ts";
import type { KeySource } from "../../../src/issuer/keys/key-source.ts";
import { json, startEndpoint } from "../../support/endpoint.ts";
import { outcomeOf } from "../../support/outcome.ts";

const { publicKey } = await generateKeyPair("ES256", { extractable: true });
const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "a" };
const header = { algorithm: "ES256", keyId: "a" };

/** Creates the key source of the only issuer of a verifier. */
function keysOf(options: VerifierOptions): KeySource {
  const configuration = parseVerifierOptions({ issuer: "https://issuer.example", audience: null, ...options });
  const [issuer] = configuration.issuers;
  if (issuer === undefined) throw new Error("no issuer is configured");
  return createIssuerKeys(issuer, configuration);
}

/** A fetch that fails the test. */
const forbidden: typeof fetch = () => {
  throw new Error("unexpected fetch");
};

describe("a configured key set", () => {
  test("is used without a fetch", async () => {
    const keys = keysOf({ jwks: { keys: [jwk] }, fetch: forbidden });
    await keys.ready();
    const [key] = await keys.find(header);
    expect(key !== undefined && keys.holds(key)).toBe(true);
    const [other] = await keysOf({ jwks: { keys: [jwk] } }).find(header);
    expect(other !== undefined && keys.holds(other)).toBe(false);
    expect(await outcomeOf(keys.find({ ...header, keyId: "b" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(keys.find({ ...header, algorithm: "ES384" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("does not change if the original object changes", async () => {
    const jwks = { keys: [jwk] };
    const keys = keysOf({ jwks });
    jwks.keys[0] = { ...jwk, kid: "b" };
    expect(await outcomeOf(keys.find(header))).toBe("accepted");
    expect(await outcomeOf(keys.find({ ...header, keyId: "b" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test.each<[string, JWK]>([
    ["an encryption key", { ...jwk, use: "enc" }],
    ["a private key", { ...jwk, d: "AAAA" }],
    ["a symmetric key", { kty: "oct", k: "AAAA" }],
    ["a key of an unknown type", { kty: "XYZ" }],
    ["a point with a coordinate that is too short", { ...jwk, y: "AAAA" }],
    ["a key with duplicate operations", { ...jwk, key_ops: ["verify", "verify"] }],
  ])("with nothing but %s causes a TypeError (C-04)", (_name, unusable) => {
    expect(() => keysOf({ jwks: { keys: [unusable] } })).toThrow(TypeError);
    expect(() => keysOf({ jwks: { keys: [unusable] } })).toThrow(/jwks/);
    expect(() => keysOf({ jwks: { keys: [unusable, jwk] } })).not.toThrow();
  });
});

describe("a configured key without kid", () => {
  const unnamed = Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== "kid")) as JWK;
  const find = (keys: readonly JWK[], keyId?: string, algorithm = "ES256") =>
    keysOf({ jwks: { keys } }).find({ algorithm, keyId });

  test("matches tokens with any kid and without kid", async () => {
    for (const keyId of ["a", "b", "", "__proto__", undefined]) expect(await find([unnamed], keyId)).toHaveLength(1);
    expect(await outcomeOf(find([jwk], "b"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await find([jwk])).toHaveLength(1);
  });

  test("matches only by its type and alg", async () => {
    expect(await outcomeOf(find([unnamed], "a", "RS256"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(find([{ ...unnamed, alg: "ES384" }, jwk], "b"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(find([{ ...unnamed, kid: null as never }], "a"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("is listed after the keys with a matching kid, and is still part of the set", async () => {
    const keys = keysOf({ jwks: { keys: [unnamed, jwk, { ...jwk, kid: "b" }] } });
    const [named, second, ...others] = await keys.find(header);
    const [first] = await keys.find({ ...header, keyId: "c" });
    expect(others).toEqual([]);
    expect(second).toBe(first);
    expect(named).not.toBe(first);
    expect([named, second].map((key) => key !== undefined && keys.holds(key))).toEqual([true, true]);
  });

  test("does not match a token with a kid if the set is fetched", async () => {
    const { url } = await startEndpoint(json({ keys: [unnamed] }));
    const keys = keysOf({ jwks: url });
    expect(await outcomeOf(keys.find(header))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await keys.find({ ...header, keyId: undefined })).toHaveLength(1);
  });
});

describe("a configured key set whose only point is off the curve", () => {
  test("is accepted, and its key counts as absent once its import has failed", async () => {
    const keys = keysOf({ jwks: { keys: [{ ...jwk, y: jwk.x ?? "" }] } });
    await keys.ready();
    const [key] = await keys.find(header);
    expect(await key?.importFor("ES256")).toBeUndefined();
    expect(await outcomeOf(keys.find(header))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("still contains its key if the point is on the curve", async () => {
    const keys = keysOf({ jwks: { keys: [jwk] } });
    const [key] = await keys.find(header);
    expect(await key?.importFor("ES256")).toBeDefined();
    expect(await keys.find(header)).toEqual([key]);
  });
});

describe("a configured URL of the keys", () => {
  test.each([
    ["a string", (url: string) => url],
    ["a URL", (url: string) => new URL(url)],
  ])("is fetched without discovery if given as %s", async (_name, form) => {
    const { url, requests } = await startEndpoint(json({ keys: [jwk] }));
    const keys = keysOf({ jwks: form(`${url}/keys?tenant=1`) });
    expect(requests).toEqual([]);
    expect(await keys.find(header)).toHaveLength(1);
    expect(requests).toEqual(["/keys?tenant=1"]);
  });

  test.each([
    "http://issuer.example/jwks",
    "http://192.0.2.1/jwks",
    "http://127.0.0.1.example/",
    "ftp://127.0.0.1/",
    "/jwks",
    "",
  ])("must be https, or http on a loopback address, so %j causes a TypeError (N-09)", (jwks) => {
    expect(() => keysOf({ jwks })).toThrow(TypeError);
    expect(() => keysOf({ jwks })).toThrow(/jwks/);
  });

  test.each([
    "https://issuer.example/jwks",
    "http://127.0.0.1:8080/jwks",
    "http://[::1]/jwks",
    "http://localhost/jwks",
  ])("can be %j", (jwks) => {
    expect(() => keysOf({ jwks })).not.toThrow();
  });
});

describe("an issuer without configured keys", () => {
  test("has keys at the jwks_uri of its metadata (RFC 8414)", async () => {
    const issuer = await createIssuer();
    onTestFinished(issuer.close);
    const keys = keysOf({ issuer: issuer.issuer });
    const [{ kid } = { kid: undefined }] = issuer.jwks.keys;
    expect(await keys.find({ algorithm: "ES256", keyId: kid })).toHaveLength(1);
    expect(issuer.requests).toEqual(["/.well-known/oauth-authorization-server", "/jwks"]);
  });

  test("has no keys if its metadata is for another issuer (I-05)", async () => {
    const issuer = await createIssuer({ issuer: "https://other.example" });
    onTestFinished(issuer.close);
    const keys = keysOf({ issuer: issuer.jwksUri.origin });
    expect(await outcomeOf(keys.ready())).toBe("ERR_KEYS_UNAVAILABLE");
    expect(issuer.requests).not.toContain("/jwks");
  });

  test.each([
    "http://issuer.example",
    "https://issuer.example/?a=b",
    "https://issuer.example/#a",
    "urn:issuer",
    "issuer",
  ])("must be an https URL without query and fragment, so %j causes a TypeError", (issuer) => {
    expect(() => keysOf({ issuer })).toThrow(TypeError);
    expect(() => keysOf({ issuer })).toThrow(/issuer/);
    expect(() => keysOf({ issuer, jwks: { keys: [jwk] } })).not.toThrow();
  });
});

describe("each fetch", () => {
  test("uses the configured fetch, does not follow redirects and can be aborted", async () => {
    const seen: unknown[] = [];
    const counting: typeof fetch = async (url, init) => {
      const { url: href } = new Request(url);
      seen.push({ url: href, redirect: init?.redirect, aborts: init?.signal instanceof AbortSignal });
      const body = href.endsWith("/jwks") ? { keys: [jwk] } : metadata;
      return Response.json(body);
    };
    const metadata = { issuer: "https://issuer.example", jwks_uri: "https://issuer.example/jwks" };
    await keysOf({ fetch: counting }).ready();
    expect(seen).toEqual([
      {
        url: "https://issuer.example/.well-known/oauth-authorization-server",
        redirect: "manual",
        aborts: true,
      },
      { url: "https://issuer.example/jwks", redirect: "manual", aborts: true },
    ]);
  });
});
