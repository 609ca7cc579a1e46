import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { tamperSignature } from "../../src/tokens/compact-token.ts";
import { createIssuer, type Issuer, type IssuerOptions } from "../../src/issuer/issuer.ts";

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

/** An issuer with a key for every algorithm. It is shared, because generating RSA keys is slow. */
const sharedIssuer = await createIssuer({ algorithms });
afterAll(() => sharedIssuer.close());

function verify(token: string, issuer: Issuer) {
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  return jwtVerify(token, keys, { issuer: issuer.issuer, audience: issuer.audience, typ: "at+jwt" });
}

/** Introspects a token with the issuer's client. */
async function introspect(issuer: Issuer, token: string): Promise<unknown> {
  const { clientId, clientSecret } = issuer.introspectionClient;
  const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
  return (await fetch(issuer.introspectionEndpoint, { method: "POST", body })).json();
}

async function fetchJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

describe("createIssuer", () => {
  test.each(algorithms)("issues %s tokens that jose verifies", async (algorithm) => {
    const { protectedHeader } = await verify(await sharedIssuer.accessToken({ algorithm }), sharedIssuer);
    expect(protectedHeader.alg).toBe(algorithm);
  });

  test.each(missing)("rejects %s if this version of Node.js does not support it", async (algorithm) => {
    await expect(createIssuer({ algorithms: [algorithm] })).rejects.toThrow(`does not support ${algorithm} keys`);
  });

  test.each([
    { algorithms: [] },
    { algorithms: ["none"] },
    { algorithms: ["HS256"] },
    { algorithms: ["toString"] },
    { algorithm: "ES256" },
  ])("rejects %j", async (options) => {
    await expect(createIssuer(options as IssuerOptions)).rejects.toThrow(TypeError);
  });

  test("uses the clock, audience and identifier of the options", async () => {
    const issuer = await startIssuer({ clock: () => 5_000, audience: "a", issuer: "https://issuer.example" });
    const token = await issuer.accessToken();
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...issuer.jwks.keys] }), {
      currentDate: new Date(5_000),
    });
    expect(payload).toMatchObject({ iss: "https://issuer.example", aud: "a", iat: 5, exp: 305 });
    expect(issuer).toMatchObject({ issuer: "https://issuer.example", audience: "a" });
  });

  test("signs with its key even if the header names another one", async () => {
    const issuer = await startIssuer();
    const token = await issuer.accessToken({ header: { crit: ["exp"], exp: 1, kid: "other" } });
    expect(token.split(".")).toHaveLength(3);
    await expect(verify(token, issuer)).rejects.toMatchObject({ code: "ERR_JOSE_NOT_SUPPORTED" });
  });

  test.each(["ES256", "EdDSA"])("forges an %s token with the kid of its key", async (algorithm) => {
    const issuer = await startIssuer({ algorithms: [algorithm] });
    const options = { boundTo: "thumbprint", claims: { scope: "write" } };
    const [genuine, forged] = [
      await issuer.accessToken(options),
      await issuer.accessToken({ ...options, forged: true }),
    ];
    expect(decodeProtectedHeader(forged)).toEqual(decodeProtectedHeader(genuine));
    expect(decodeJwt(forged)).toEqual({ ...decodeJwt(genuine), jti: expect.any(String) });
    await expect(verify(genuine, issuer)).resolves.toMatchObject({ payload: { scope: "write" } });
    await expect(verify(forged, issuer)).rejects.toMatchObject({ code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
  });

  test("introspects a forged token as inactive", async () => {
    const issuer = await startIssuer();
    const [genuine, forged] = [await issuer.accessToken(), await issuer.accessToken({ forged: true })];
    expect(await introspect(issuer, genuine)).toMatchObject({ active: true });
    expect(await introspect(issuer, forged)).toEqual({ active: false });
  });

  test.each([{ forged: false }, { forged: "yes" }, { forged: true, algorithm: "RS256" }])(
    "rejects a token with %j",
    async (options) => {
      const issuer = await startIssuer();
      await expect(issuer.accessToken(options as object)).rejects.toThrow(TypeError);
    },
  );

  test("rejects a token with an algorithm that it has no key for", async () => {
    const issuer = await startIssuer();
    await expect(issuer.accessToken({ algorithm: "RS256" })).rejects.toThrow(TypeError);
  });
});

describe("an opaque token", () => {
  test("has the claims of a JWT in its introspection response", async () => {
    const issuer = await startIssuer({ clock: () => 5_000, audience: "a", issuer: "https://issuer.example" });
    expect(await introspect(issuer, await issuer.opaqueToken({ boundTo: "thumbprint" }))).toEqual({
      active: true,
      token_type: "Bearer",
      iss: "https://issuer.example",
      sub: "client-1",
      aud: "a",
      client_id: "client-1",
      iat: 5,
      exp: 305,
      jti: expect.any(String),
      scope: "read",
      cnf: { "x5t#S256": "thumbprint" },
    });
  });

  test("has the claims of the options", async () => {
    const issuer = await startIssuer({ clock: () => 5_000 });
    const token = await issuer.opaqueToken({ claims: { sub: "x", scope: undefined, token_type: "N_A" }, expiresIn: 1 });
    const introspection = await introspect(issuer, token);
    expect(introspection).toMatchObject({ active: true, token_type: "N_A", sub: "x", exp: 6 });
    expect(introspection).not.toHaveProperty("scope");
  });

  test("rejects options for JWTs", async () => {
    const issuer = await startIssuer();
    await expect(issuer.opaqueToken({ algorithm: "ES256" } as object)).rejects.toThrow(TypeError);
  });

  test("is active only at the issuer that issued it", async () => {
    const [issuer, other] = [await startIssuer(), await startIssuer()];
    const token = await issuer.opaqueToken();
    expect(await introspect(issuer, token)).toMatchObject({ active: true });
    expect(await introspect(other, token)).toEqual({ active: false });
  });
});

describe("the introspection of a JWT", () => {
  test("has the claims of the token", async () => {
    const issuer = await startIssuer();
    const token = await issuer.accessToken({ boundTo: "thumbprint", claims: { sub: "x", aud: undefined } });
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...issuer.jwks.keys] }));
    expect(payload).toMatchObject({ sub: "x", cnf: { "x5t#S256": "thumbprint" } });
    expect(await introspect(issuer, token)).toEqual({ active: true, token_type: "Bearer", ...payload });
  });

  test("is inactive for a modified token", async () => {
    const issuer = await startIssuer();
    const token = await issuer.accessToken();
    expect(await introspect(issuer, token)).toMatchObject({ active: true });
    expect(await introspect(issuer, tamperSignature(token))).toEqual({ active: false });
  });

  test("remains active after the signing key was rotated", async () => {
    const issuer = await startIssuer();
    const token = await issuer.accessToken();
    await issuer.rotateKeys();
    expect(await introspect(issuer, token)).toMatchObject({ active: true });
  });
});

describe.each(["opaqueToken", "accessToken"] as const)("a token from %s", (issue) => {
  test("is active until it expires by the issuer's clock", async () => {
    let now = 5_000;
    const issuer = await startIssuer({ clock: () => now });
    const token = await issuer[issue]({ expiresIn: 60 });
    now = 64_999;
    expect(await introspect(issuer, token)).toMatchObject({ active: true });
    now = 65_000;
    expect(await introspect(issuer, token)).toEqual({ active: false });
  });

  test("is active until it is revoked", async () => {
    const issuer = await startIssuer();
    const [token, other] = [await issuer[issue](), await issuer[issue]()];
    expect(await introspect(issuer, token)).toMatchObject({ active: true });
    issuer.revoke(token);
    expect(await introspect(issuer, token)).toEqual({ active: false });
    expect(await introspect(issuer, other)).toMatchObject({ active: true });
  });

  test("can be revoked only at the issuer that issued it", async () => {
    const [issuer, other] = [await startIssuer(), await startIssuer()];
    const token = await issuer[issue]();
    expect(() => other.revoke(token)).toThrow(TypeError);
    expect(() => issuer.revoke(token)).not.toThrow();
  });

  test("is introspected with the response that the test has set", async () => {
    const issuer = await startIssuer();
    const [token, other] = [await issuer[issue](), await issuer[issue]()];
    issuer.introspectAs(token, { active: "true", cnf: null });
    issuer.revoke(token);
    expect(await introspect(issuer, token)).toEqual({ active: "true", cnf: null });
    expect(await introspect(issuer, other)).toMatchObject({ active: true });
  });
});

test("each issuer has a different client secret", async () => {
  const [issuer, other] = [await startIssuer(), await startIssuer()];
  expect(issuer.introspectionClient.clientId).toBe("api");
  expect(issuer.introspectionClient.clientSecret).not.toBe(other.introspectionClient.clientSecret);
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

  test("is served at jwksUri", async () => {
    const response = await fetch(sharedIssuer.jwksUri);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(sharedIssuer.jwks);
  });

  test("is fetched by jose, which verifies a token with it", async () => {
    const issuer = await startIssuer();
    const verified = jwtVerify(await issuer.accessToken(), createRemoteJWKSet(issuer.jwksUri));
    await expect(verified).resolves.toMatchObject({ payload: { sub: "client-1" } });
  });

  test("does not contain the old keys after a rotation", async () => {
    const issuer = await startIssuer();
    const before = await issuer.accessToken();
    await issuer.rotateKeys();
    await expect(verify(before, issuer)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
    expect(await fetchJson(issuer.jwksUri.href)).toEqual(issuer.jwks);
  });

  test("verifies a token that was issued after a rotation", async () => {
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
        introspection_endpoint: issuer.introspectionEndpoint.href,
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        introspection_signing_alg_values_supported: ["ES256"],
      });
      expect(issuer.introspectionEndpoint.href).toBe(`${issuer.issuer}/introspect`);
    },
  );

  test("publishes the configured identifier, but the URLs of its server", async () => {
    const issuer = await startIssuer({ issuer: "https://issuer.example" });
    const url = new URL("/.well-known/oauth-authorization-server", issuer.jwksUri);
    expect(await fetchJson(url.href)).toMatchObject({
      issuer: "https://issuer.example",
      jwks_uri: issuer.jwksUri.href,
      introspection_endpoint: issuer.introspectionEndpoint.href,
    });
  });

  test("publishes the algorithms of all its keys", async () => {
    const metadata = await fetchJson(`${sharedIssuer.issuer}/.well-known/oauth-authorization-server`);
    expect(metadata).toMatchObject({ introspection_signing_alg_values_supported: algorithms });
  });

  test.each([
    ["GET", "/"],
    ["GET", "/token"],
    ["GET", "/toString"],
    ["POST", "/jwks"],
  ])("responds to %s %s with 404", async (method, path) => {
    const issuer = await startIssuer();
    const { status } = await fetch(issuer.issuer + path, { method });
    expect(status).toBe(404);
  });

  test("lists the requested paths in order", async () => {
    const issuer = await startIssuer();
    expect(issuer.requests).toEqual([]);
    await fetch(`${issuer.issuer}/jwks?x=1`);
    await fetch(`${issuer.issuer}/nothing`);
    await introspect(issuer, "x");
    await fetch(issuer.introspectionEndpoint, { method: "POST" });
    expect(issuer.requests).toEqual(["/jwks", "/nothing", "/introspect", "/introspect"]);
  });

  test("closes its keep-alive connections when it is closed", async () => {
    const issuer = await createIssuer();
    await (await fetch(issuer.jwksUri)).text();
    await issuer.close();
    await expect(fetch(issuer.jwksUri)).rejects.toThrow("fetch failed");
  });
});
