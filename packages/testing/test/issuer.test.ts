import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { createIssuer, type Issuer } from "../src/issuer.ts";
import type { IssuerOptions } from "../src/issuer-options.ts";

const postQuantum = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const missing = major > 24 || (major === 24 && minor >= 7) ? [] : postQuantum;
const algorithms = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519"
  .split(" ")
  .concat(missing.length === 0 ? postQuantum : []);

async function startIssuer(options?: IssuerOptions): Promise<Issuer> {
  const issuer = await createIssuer(options);
  onTestFinished(issuer.close);
  return issuer;
}

function verify(token: string, issuer: Issuer) {
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  return jwtVerify(token, keys, { issuer: issuer.issuer, audience: issuer.audience, typ: "at+jwt" });
}

async function fetchJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

describe("createIssuer", () => {
  test.each(algorithms)("issues %s tokens that jose verifies", async (algorithm) => {
    const issuer = await startIssuer({ algorithms: [algorithm] });
    const { protectedHeader } = await verify(await issuer.accessToken(), issuer);
    expect(protectedHeader.alg).toBe(algorithm);
  });

  test.each(missing)("says that this Node.js has no %s keys", async (algorithm) => {
    await expect(createIssuer({ algorithms: [algorithm] })).rejects.toThrow(`has no ${algorithm} keys`);
  });

  test.each([
    { algorithms: [] },
    { algorithms: ["none"] },
    { algorithms: ["HS256"] },
    { algorithms: ["toString"] },
    { algorithm: "ES256" },
  ])("refuses %j", async (options) => {
    await expect(createIssuer(options as IssuerOptions)).rejects.toThrow(TypeError);
  });

  test("takes its clock, audience and identifier from the options", async () => {
    const issuer = await startIssuer({ clock: () => 5_000, audience: "a", issuer: "https://issuer.example" });
    const token = await issuer.accessToken();
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...issuer.jwks.keys] }), {
      currentDate: new Date(5_000),
    });
    expect(payload).toMatchObject({ iss: "https://issuer.example", aud: "a", iat: 5, exp: 305 });
    expect(issuer).toMatchObject({ issuer: "https://issuer.example", audience: "a" });
  });

  test("signs with its key even where the header says otherwise", async () => {
    const issuer = await startIssuer();
    const token = await issuer.accessToken({ header: { crit: ["exp"], exp: 1, kid: "other" } });
    expect(token.split(".")).toHaveLength(3);
    await expect(verify(token, issuer)).rejects.toMatchObject({ code: "ERR_JOSE_NOT_SUPPORTED" });
  });

  test("rejects what accessToken cannot do", async () => {
    const issuer = await startIssuer();
    await expect(issuer.accessToken({ algorithm: "RS256" })).rejects.toThrow(TypeError);
  });
});

describe("the key set", () => {
  test("has one public key for each algorithm", async () => {
    const issuer = await startIssuer({ algorithms: ["ES256", "EdDSA"] });
    expect(issuer.jwks.keys).toEqual([
      expect.objectContaining({ kty: "EC", alg: "ES256", use: "sig", kid: expect.any(String) }),
      expect.objectContaining({ kty: "OKP", alg: "EdDSA", use: "sig", kid: expect.any(String) }),
    ]);
    expect(JSON.stringify(issuer.jwks)).not.toContain('"d"');
  });

  test("is served at its address", async () => {
    const issuer = await startIssuer({ algorithms: ["ES256", "RS256"] });
    const response = await fetch(issuer.jwksUri);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(issuer.jwks);
  });

  test("verifies a token from afar", async () => {
    const issuer = await startIssuer();
    const verified = jwtVerify(await issuer.accessToken(), createRemoteJWKSet(issuer.jwksUri));
    await expect(verified).resolves.toMatchObject({ payload: { sub: "client-1" } });
  });

  test("forgets the old keys when they are rotated", async () => {
    const issuer = await startIssuer();
    const before = await issuer.accessToken();
    await issuer.rotateKeys();
    await expect(verify(before, issuer)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
    expect(await fetchJson(issuer.jwksUri.href)).toEqual(issuer.jwks);
  });

  test("verifies tokens that are issued after a rotation", async () => {
    const issuer = await startIssuer();
    await issuer.rotateKeys();
    await expect(verify(await issuer.accessToken(), issuer)).resolves.toBeDefined();
  });
});

describe("the server", () => {
  test.each(["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"])(
    "publishes metadata at %s",
    async (path) => {
      const issuer = await startIssuer();
      expect(await fetchJson(issuer.issuer + path)).toMatchObject({
        issuer: issuer.issuer,
        jwks_uri: issuer.jwksUri.href,
        token_endpoint: `${issuer.issuer}/token`,
        response_types_supported: ["code"],
        tls_client_certificate_bound_access_tokens: true,
      });
    },
  );

  test("publishes the configured identifier, but its own addresses", async () => {
    const issuer = await startIssuer({ issuer: "https://issuer.example" });
    const url = new URL("/.well-known/oauth-authorization-server", issuer.jwksUri);
    expect(await fetchJson(url.href)).toMatchObject({
      issuer: "https://issuer.example",
      jwks_uri: issuer.jwksUri.href,
    });
  });

  test.each([
    ["GET", "/"],
    ["GET", "/token"],
    ["GET", "/toString"],
    ["POST", "/jwks"],
  ])("answers 404 to %s %s", async (method, path) => {
    const issuer = await startIssuer();
    const { status } = await fetch(issuer.issuer + path, { method });
    expect(status).toBe(404);
  });

  test("lists the paths it was asked for, in order", async () => {
    const issuer = await startIssuer();
    expect(issuer.requests).toEqual([]);
    await fetch(`${issuer.issuer}/jwks?x=1`);
    await fetch(`${issuer.issuer}/nothing`);
    expect(issuer.requests).toEqual(["/jwks", "/nothing"]);
  });

  test("ends its kept-alive connections when it is closed", async () => {
    const issuer = await createIssuer();
    await (await fetch(issuer.jwksUri)).text();
    await issuer.close();
    await expect(fetch(issuer.jwksUri)).rejects.toThrow("fetch failed");
  });
});
