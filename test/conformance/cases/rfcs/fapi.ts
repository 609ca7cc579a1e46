import { createAuthenticator } from "@certbound/core";
import { generateKeyPairSync } from "node:crypto";
import { expect } from "vitest";
import { verifierOf, verifyAs } from "../../verification.ts";
import { accepts, type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { IssuerKey, KeyName } from "../../issuer-keys.ts";
import { json, startIssuerEndpoint } from "../../issuer-endpoint.ts";
import { NOW, type Scene } from "../../scene.ts";
import { constant } from "../../signers.ts";

/** The requirements of FAPI 1.0 Advanced for tokens that are not defaults. */
const advanced: Api = {
  verifier: () => ({ algorithms: ["PS256", "ES256"] }),
  requirements: { scopes: ["read"] },
};

/** A FAPI 2.0 API with short-lived tokens. */
const fapi2: Api = {
  verifier: () => ({ profile: "fapi2", maxTokenAge: 600 }),
  requirements: { scopes: ["read"] },
};

/** A FAPI 2.0 API that introspects every token. */
const introspecting: Api = {
  verifier: ({ remote }) => ({
    profile: "fapi2",
    issuer: remote.issuer,
    jwks: undefined,
    introspection: { ...remote.introspectionClient, always: true, cacheDuration: 0 },
  }),
};

/** A key that is shorter than RFC 7518 section 3.3 requires. */
const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });

const inHeader: Attempt = { request: { lines: (token) => [["authorization", `Bearer ${token}`]] } };

const inQuery: Attempt = { request: { lines: () => [], query: (token) => `?access_token=${token}` } };

function withClaims(claims: object): Attempt {
  return { token: ({ token }) => token({ claims: { ...claims } }) };
}

function signedFor(name: KeyName): Attempt {
  return { token: ({ token, keys }) => token({ key: keys[name] }) };
}

/** Returns keys that share a kid. Keys that do not match precede the one that does. */
function sharingKid({ keys, foreignKeys }: Scene) {
  const { RS256, PS256, ES384, ES256, Ed25519 } = keys;
  const forEncryption = { ...foreignKeys.ES256.jwk, use: "enc" };
  return { keys: [forEncryption, ...[RS256, PS256, ES384, ES256, Ed25519].map(({ jwk }) => jwk)].map(withSharedKid) };
}

function withSharedKid(jwk: IssuerKey["jwk"] | object): IssuerKey["jwk"] {
  return { ...(jwk as IssuerKey["jwk"]), kid: "shared" };
}

const fapi1SharedKid: Api = { verifier: (scene) => ({ jwks: sharingKid(scene), algorithms: ["PS256", "ES256"] }) };

const fapi2SharedKid: Api = { verifier: (scene) => ({ jwks: sharingKid(scene), profile: "fapi2", maxTokenAge: 600 }) };

function sharedKidCases(
  id: "FAPI1A-05" | "FAPI2-08",
  api: Api,
  names: readonly ("ES256" | "PS256" | "Ed25519")[],
): readonly ConformanceCase[] {
  const header = { kid: "shared" };
  return [
    ...names.map((name) =>
      accepts(id, `a token signed with ${name} if several keys share the kid`, {
        api,
        accepted: { token: ({ token, keys }) => token({ key: keys[name], header }) },
        rejectedBy: id,
      }),
    ),
    rejects(id, "a token signed with an encryption key that has the kid of the signing key", {
      api,
      accepted: { token: ({ token, keys }) => token({ key: keys.ES256, header }) },
      rejected: { token: ({ token, foreignKeys }) => token({ key: foreignKeys.ES256, header }) },
      code: "ERR_TOKEN_SIGNATURE",
    }),
  ];
}

export const cases: readonly ConformanceCase[] = [
  rejects("FAPI1A-01", "a valid token in the query", {
    api: advanced,
    accepted: inHeader,
    rejected: inQuery,
    code: "ERR_TOKEN_MISSING",
  }),
  rejects("FAPI1A-01", "an expired token", {
    api: advanced,
    accepted: withClaims({ exp: NOW + 60 }),
    rejected: withClaims({ exp: NOW - 60 }),
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("FAPI1A-01", "a token without the scope", {
    api: advanced,
    accepted: withClaims({ scope: "read" }),
    rejected: withClaims({ scope: "write" }),
    code: "ERR_SCOPE_INSUFFICIENT",
  }),
  rejects("FAPI1A-01", "a revoked token, with introspection", {
    api: introspecting,
    accepted: { token: ({ remote, own }) => remote.accessToken({ boundTo: own }) },
    rejected: { token: revokedToken },
    code: "ERR_TOKEN_INACTIVE",
  }),
  rejects("FAPI1A-02", "a bearer token", {
    api: advanced,
    accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: withClaims({ cnf: undefined }),
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("FAPI1A-02", "a token that is sender-constrained in another way", {
    api: advanced,
    accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: withClaims({ cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }),
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  ...(["RS256", "ES384", "Ed25519"] as const).map((name) =>
    rejects("FAPI1A-03", `a token signed with ${name}`, {
      api: advanced,
      accepted: signedFor(name === "RS256" ? "PS256" : "ES256"),
      rejected: signedFor(name),
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("FAPI1A-03", "a token with alg none", {
    api: advanced,
    accepted: { token: ({ token }) => token() },
    rejected: { token: ({ token }) => token({ header: { alg: "none" }, signer: constant(new Uint8Array()) }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  conforms("FAPI1A-04", "does not fetch keys without TLS", async () => {
    expect(() => verifierOf({ jwks: "https://issuer.example/jwks" })).not.toThrow();
    expect(() => verifierOf({ jwks: "http://issuer.example/jwks" })).toThrow(TypeError);
    expect(() => verifierOf({ issuer: "http://issuer.example" })).toThrow(TypeError);
  }),
  conforms("FAPI1A-04", "does not fetch the x5u or jku of a token", async ({ scene }) => {
    const { own, keys, foreignKeys, token } = scene;
    const elsewhere = await startIssuerEndpoint(json({ keys: [foreignKeys.ES256.jwk] }));
    const verifier = verifierOf({ jwks: scene.jwks });
    const header = { x5u: elsewhere.url, jku: elsewhere.url };
    expect(await verifyAs(own, verifier, token({ key: keys.ES256, header }))).toBe("accepted");
    expect(await verifyAs(own, verifier, token({ key: foreignKeys.ES256, header }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(elsewhere.requests).toEqual([]);
  }),
  ...sharedKidCases("FAPI1A-05", fapi1SharedKid, ["PS256", "ES256"]),
  accepts("FAPI2-01", "a token in the header", {
    api: fapi2,
    accepted: inHeader,
    rejectedBy: "FAPI2-02",
  }),
  rejects(["FAPI2-02", "FAPI2-01"], "a token in the query", {
    api: fapi2,
    accepted: inHeader,
    rejected: inQuery,
    code: "ERR_TOKEN_MISSING",
  }),
  conforms("FAPI2-02", "has no option to read a token from another place", async ({ scene }) => {
    const options = { verifier: verifierOf({ jwks: scene.jwks, profile: "fapi2", maxTokenAge: 600 }) };
    expect(() => createAuthenticator(options)).not.toThrow();
    expect(() => createAuthenticator({ ...options, tokenResolver: () => "token" })).toThrow(TypeError);
  }),
  rejects("FAPI2-03", "a token for another API", {
    api: fapi2,
    accepted: withClaims({}),
    rejected: withClaims({ aud: "https://other-api.example" }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("FAPI2-03", "a token with another signature", {
    api: fapi2,
    accepted: withClaims({}),
    rejected: { token: ({ token }) => token({ signer: constant(new Uint8Array(64).fill(1)) }) },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("FAPI2-03", "an expired token, with a leeway of 10 seconds", {
    api: fapi2,
    accepted: withClaims({ exp: NOW - 9 }),
    rejected: withClaims({ exp: NOW - 10 }),
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("FAPI2-03", "a revoked token", {
    api: introspecting,
    accepted: { token: ({ remote, own }) => remote.accessToken({ boundTo: own }) },
    rejected: { token: revokedToken },
    code: "ERR_TOKEN_INACTIVE",
  }),
  rejects("FAPI2-03", "a token that is older than the API allows, because it may be revoked", {
    api: fapi2,
    accepted: withClaims({ iat: NOW - 600 }),
    rejected: withClaims({ iat: NOW - 611 }),
    code: "ERR_TOKEN_EXPIRED",
  }),
  conforms("FAPI2-03", "has no option to ignore revocation", async ({ scene }) => {
    expect(() => verifierOf({ jwks: scene.jwks, profile: "fapi2", maxTokenAge: 600 })).not.toThrow();
    expect(() => verifierOf({ jwks: scene.jwks, profile: "fapi2" })).toThrow(TypeError);
  }),
  rejects("FAPI2-04", "a token without the scope", {
    api: fapi2,
    accepted: withClaims({ scope: "read" }),
    rejected: withClaims({ scope: "write" }),
    code: "ERR_SCOPE_INSUFFICIENT",
  }),
  ...(["RS256", "ES384"] as const).map((name) =>
    rejects("FAPI2-05", `a token signed with ${name}`, {
      api: fapi2,
      accepted: signedFor(name === "RS256" ? "PS256" : "ES256"),
      rejected: signedFor(name),
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  accepts("FAPI2-05", "a token signed with Ed25519", {
    api: fapi2,
    accepted: signedFor("Ed25519"),
    rejectedBy: "FAPI2-05",
  }),
  rejects("FAPI2-05", "a token signed with an RSA key of 1024 bits", {
    api: {
      verifier: ({ keys }) => ({
        profile: "fapi2",
        maxTokenAge: 600,
        jwks: { keys: [keys.PS256.jwk, { ...weakKey().jwk }] },
      }),
    },
    accepted: signedFor("PS256"),
    rejected: { token: ({ token }) => token({ key: weakKey() }) },
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  ...["iat", "nbf"].flatMap((claim) => [
    rejects("FAPI2-06", `a token whose ${claim} is more than 60 seconds in the future`, {
      api: fapi2,
      accepted: withClaims({ [claim]: NOW + 10 }),
      rejected: withClaims({ [claim]: NOW + 61 }),
      code: "ERR_TOKEN_NOT_YET_VALID",
    }),
    rejects("FAPI2-06", `a token whose ${claim} is more than 60 seconds in the future, with introspection`, {
      api: introspecting,
      accepted: { token: ({ remote, own }) => remote.accessToken({ boundTo: own, claims: { [claim]: NOW + 10 } }) },
      rejected: { token: ({ remote, own }) => remote.accessToken({ boundTo: own, claims: { [claim]: NOW + 61 } }) },
      code: "ERR_TOKEN_NOT_YET_VALID",
    }),
  ]),
  ...sharedKidCases("FAPI2-08", fapi2SharedKid, ["PS256", "ES256", "Ed25519"]),
  rejects("FAPI2-09", "a token that is bound to another certificate", {
    api: fapi2,
    accepted: { certificate: "own" },
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("FAPI2-09", "a token that is not sender-constrained", {
    api: fapi2,
    accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: withClaims({ cnf: undefined }),
    code: "ERR_BINDING_REQUIRED",
  }),
  conforms("FAPI2-09", "has no option to accept tokens that are not sender-constrained", async ({ scene }) => {
    const { verify } = verifierOf({ jwks: scene.jwks, profile: "fapi2", maxTokenAge: 600 });
    const clientCertificate = { thumbprint: scene.own.thumbprint };
    expect(await verify(scene.token(), { clientCertificate })).toMatchObject({ binding: "verified" });
    for (const mode of ["when-bound", "report-only"] as const) {
      const weaker = verify(scene.token(), { clientCertificate, validateCertificateBinding: mode });
      await expect(weaker).rejects.toThrow(TypeError);
    }
  }),
];

async function revokedToken({ remote, own }: Scene): Promise<string> {
  const token = await remote.accessToken({ boundTo: own });
  remote.revoke(token);
  return token;
}

function weakKey(): IssuerKey {
  const { kty = "", ...rest } = weak.publicKey.export({ format: "jwk" });
  return { ...weak, algorithm: "PS256", jwk: { kty, ...rest, kid: "weak", alg: "PS256", use: "sig" } };
}
