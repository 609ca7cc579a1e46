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
  if (issuer === undefined) throw new Error("there is no issuer");
  return createIssuerKeys(issuer, configuration);
}

/** Fails the test when anything is fetched. */
const forbidden: typeof fetch = () => {
  throw new Error("nothing may be fetched");
};

describe("a key set in the configuration", () => {
  test("is used as it is, and nothing is fetched", async () => {
    const keys = keysOf({ jwks: { keys: [jwk] }, fetch: forbidden });
    await keys.ready();
    const [key] = await keys.find(header);
    expect(key !== undefined && keys.holds(key)).toBe(true);
    const [other] = await keysOf({ jwks: { keys: [jwk] } }).find(header);
    expect(other !== undefined && keys.holds(other)).toBe(false);
    expect(await outcomeOf(keys.find({ ...header, keyId: "b" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(keys.find({ ...header, algorithm: "ES384" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("does not change with the object that it came from", async () => {
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
  ])("that holds nothing but %s is a mistake, found while configuring (C-04)", (_name, unusable) => {
    expect(() => keysOf({ jwks: { keys: [unusable] } })).toThrow(TypeError);
    expect(() => keysOf({ jwks: { keys: [unusable] } })).toThrow(/jwks/);
    expect(() => keysOf({ jwks: { keys: [unusable, jwk] } })).not.toThrow();
  });
});

describe("a key without kid in the configuration", () => {
  const unnamed = Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== "kid")) as JWK;
  const find = (keys: readonly JWK[], keyId?: string, algorithm = "ES256") =>
    keysOf({ jwks: { keys } }).find({ algorithm, keyId });

  test("fits a token with any kid, and one without", async () => {
    for (const keyId of ["a", "b", "", "__proto__", undefined]) expect(await find([unnamed], keyId)).toHaveLength(1);
    expect(await outcomeOf(find([jwk], "b"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await find([jwk])).toHaveLength(1);
  });

  test("fits by its type and its alg only", async () => {
    expect(await outcomeOf(find([unnamed], "a", "RS256"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(find([{ ...unnamed, alg: "ES384" }, jwk], "b"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(find([{ ...unnamed, kid: null as never }], "a"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("comes after the keys that the kid names, and stays a key of the set", async () => {
    const keys = keysOf({ jwks: { keys: [unnamed, jwk, { ...jwk, kid: "b" }] } });
    const [named, second, ...others] = await keys.find(header);
    const [first] = await keys.find({ ...header, keyId: "c" });
    expect(others).toEqual([]);
    expect(second).toBe(first);
    expect(named).not.toBe(first);
    expect([named, second].map((key) => key !== undefined && keys.holds(key))).toEqual([true, true]);
  });

  test("does not fit where the set is fetched", async () => {
    const { url } = await startEndpoint(json({ keys: [unnamed] }));
    const keys = keysOf({ jwks: url });
    expect(await outcomeOf(keys.find(header))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await keys.find({ ...header, keyId: undefined })).toHaveLength(1);
  });
});

describe("a key set in the configuration whose only point is off the curve", () => {
  test("is accepted, and its key is absent once importing it has failed", async () => {
    const keys = keysOf({ jwks: { keys: [{ ...jwk, y: jwk.x ?? "" }] } });
    await keys.ready();
    const [key] = await keys.find(header);
    expect(await key?.importFor("ES256")).toBeUndefined();
    expect(await outcomeOf(keys.find(header))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("keeps its key if the point is on the curve", async () => {
    const keys = keysOf({ jwks: { keys: [jwk] } });
    const [key] = await keys.find(header);
    expect(await key?.importFor("ES256")).toBeDefined();
    expect(await keys.find(header)).toEqual([key]);
  });
});

describe("a URL in the configuration", () => {
  test.each([
    ["text", (url: string) => url],
    ["a URL", (url: string) => new URL(url)],
  ])("given as %s is where the keys are fetched, without discovery", async (_name, form) => {
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
  ])("is https, or http on a loopback address, not %j (N-09)", (jwks) => {
    expect(() => keysOf({ jwks })).toThrow(TypeError);
    expect(() => keysOf({ jwks })).toThrow(/jwks/);
  });

  test.each([
    "https://issuer.example/jwks",
    "http://127.0.0.1:8080/jwks",
    "http://[::1]/jwks",
    "http://localhost/jwks",
  ])("may be %j", (jwks) => {
    expect(() => keysOf({ jwks })).not.toThrow();
  });
});

describe("an issuer without keys in the configuration", () => {
  test("is asked where they are (RFC 8414)", async () => {
    const issuer = await createIssuer();
    onTestFinished(issuer.close);
    const keys = keysOf({ issuer: issuer.issuer });
    const [{ kid } = { kid: undefined }] = issuer.jwks.keys;
    expect(await keys.find({ algorithm: "ES256", keyId: kid })).toHaveLength(1);
    expect(issuer.requests).toEqual(["/.well-known/oauth-authorization-server", "/jwks"]);
  });

  test("whose metadata is that of another one has no keys (I-05)", async () => {
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
  ])("is an https URL without query and fragment, not %j", (issuer) => {
    expect(() => keysOf({ issuer })).toThrow(TypeError);
    expect(() => keysOf({ issuer })).toThrow(/issuer/);
    expect(() => keysOf({ issuer, jwks: { keys: [jwk] } })).not.toThrow();
  });
});

describe("every fetch", () => {
  test("is made by the fetch of the configuration, never follows a redirect and can be aborted", async () => {
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
