import { expect } from "vitest";
import { verifierOf } from "../../verification.ts";
import { accepts, type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { KeyName } from "../../issuer-keys.ts";
import { onEachServer } from "../../on-each-server.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, ISSUER, NOW } from "../../scene.ts";
import { changed, constant, signers } from "../../signers.ts";

/** Requires everything in RFC 9068, including the type and claims that some issuers omit. */
const strict: Api = { verifier: () => ({ profile: "rfc9068" }) };

const onlyES256: Api = { verifier: () => ({ algorithms: ["ES256"] }) };

const otherTypes = [
  undefined,
  "JWT",
  "dpop+jwt",
  "logout+jwt",
  "token-introspection+jwt",
  "at+jwt ",
  "at+jwts",
  "jwt+at",
  "text/at+jwt",
  "application/application/at+jwt",
  "application/jwt",
  "",
];

const otherIssuers = [
  `${ISSUER}/`,
  ISSUER.toUpperCase(),
  `${ISSUER}:443`,
  `${ISSUER}.attacker.example`,
  ISSUER.slice(0, -1),
  ISSUER.replace("https", "http"),
  [ISSUER],
];

const otherAudiences = [
  "https://other-api.example",
  `${AUDIENCE}/`,
  AUDIENCE.toUpperCase(),
  `https://other-api.example ${AUDIENCE}`,
  ["https://other-api.example"],
  [],
  [[AUDIENCE]],
  { [AUDIENCE]: true },
];

/** The claims of section 2.2, each with the error code if it is missing. */
const requiredClaims = {
  iss: "ERR_TOKEN_ISSUER",
  exp: "ERR_TOKEN_CLAIM",
  aud: "ERR_TOKEN_AUDIENCE",
  sub: "ERR_TOKEN_CLAIM",
  client_id: "ERR_TOKEN_CLAIM",
  iat: "ERR_TOKEN_CLAIM",
  jti: "ERR_TOKEN_CLAIM",
} as const;

/** For every step of section 4, a token that fails only that step. */
const failures: Readonly<Record<string, RawToken>> = {
  type: { header: { typ: "JWT" } },
  issuer: { claims: { iss: "https://other-issuer.example" } },
  audience: { claims: { aud: "https://other-api.example" } },
  algorithm: { header: { alg: "none" } },
  "unknown key": { header: { kid: "unknown" } },
  signature: { signer: changed(signers.ES256, (signature) => signature.toReversed()) },
  expiry: { claims: { exp: NOW - 60 } },
  "missing claim": { claims: { jti: undefined } },
  form: { join: (header, payload) => `${header}.${payload}` },
};

export const cases: readonly ConformanceCase[] = [
  rejects("9068-01", "an unsigned token of the correct type", {
    api: strict,
    accepted: { token: ({ token }) => token() },
    rejected: { token: ({ token }) => token({ header: { alg: "none" }, signer: constant(new Uint8Array()) }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects("9068-01", "a signed token with alg none", {
    api: strict,
    accepted: { token: ({ token }) => token() },
    rejected: { token: ({ token }) => token({ header: { alg: "none" } }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  accepts("9068-02", "a token signed with RS256", {
    accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
    // An RS256 signature that differs in one thing.
    rejectedBy: "C-07",
  }),
  ...otherTypes.map((typ) =>
    rejects("9068-03", `a token whose typ is ${JSON.stringify(typ) ?? "missing"}`, {
      api: strict,
      accepted: { token: ({ token }) => token({ header: { typ: "at+jwt" } }) },
      rejected: { token: ({ token }) => token({ header: { typ } }) },
      code: "ERR_TOKEN_TYPE",
    }),
  ),
  ...["application/at+jwt", "AT+JWT", "Application/At+Jwt"].map((typ) =>
    accepts("9068-03", `a token whose typ is ${typ}`, {
      api: strict,
      accepted: { token: ({ token }) => token({ header: { typ } }) },
      rejectedBy: "9068-03",
    }),
  ),
  ...otherIssuers.map((iss) =>
    rejects("9068-05", `a token whose iss is ${JSON.stringify(iss)}`, {
      accepted: { token: ({ token }) => token({ claims: { iss: ISSUER } }) },
      rejected: { token: ({ token }) => token({ claims: { iss } }) },
      code: "ERR_TOKEN_ISSUER",
    }),
  ),
  ...otherAudiences.map((aud) =>
    rejects("9068-06", `a token whose aud is ${JSON.stringify(aud)}`, {
      accepted: { token: ({ token }) => token({ claims: { aud: ["https://other-api.example", AUDIENCE] } }) },
      rejected: { token: ({ token }) => token({ claims: { aud } }) },
      code: "ERR_TOKEN_AUDIENCE",
    }),
  ),
  rejects("9068-07", "a signature over another payload", {
    accepted: { token: ({ token }) => token({ signer: signers.ES256 }) },
    rejected: {
      token: ({ token }) =>
        token({ signer: (input, key) => signers.ES256(Buffer.from(input.toString().replace(".", ".e30")), key) }),
    },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("9068-07", "a signature over another header", {
    accepted: { token: ({ token }) => token({ signer: signers.ES256 }) },
    rejected: {
      token: ({ token }) => token({ signer: (input, key) => signers.ES256(input.subarray(1), key) }),
    },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("9068-07", "a valid signature of a published key with an algorithm that the API does not accept", {
    api: onlyES256,
    accepted: { token: ({ token, keys }) => token({ key: keys.ES256 }) },
    rejected: { token: ({ token, keys }) => token({ key: keys.PS256 }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects("9068-08", "a key of another issuer with the kid of a published key", {
    accepted: { token: ({ token, keys }) => token({ key: keys.ES256 }) },
    rejected: {
      token: ({ token, keys, foreignKeys }) => token({ key: foreignKeys.ES256, header: { kid: keys.ES256.jwk.kid } }),
    },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("9068-08", "a key inside the token", {
    accepted: { token: ({ token, keys }) => token({ key: keys.ES256, header: { jwk: keys.ES256.jwk } }) },
    rejected: {
      token: ({ token, foreignKeys }) => token({ key: foreignKeys.ES256, header: { jwk: foreignKeys.ES256.jwk } }),
    },
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  rejects("9068-09", "an expired token, with a leeway of 5 seconds", {
    accepted: { token: ({ token }) => token({ claims: { exp: NOW - 4.5 } }) },
    rejected: { token: ({ token }) => token({ claims: { exp: NOW - 5 } }) },
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("9068-09", "a token at exactly its exp without leeway", {
    api: { verifier: () => ({ clockTolerance: 0 }) },
    accepted: { token: ({ token }) => token({ claims: { exp: NOW + 1 } }) },
    rejected: { token: ({ token }) => token({ claims: { exp: NOW } }) },
    code: "ERR_TOKEN_EXPIRED",
  }),
  conforms("9068-09", "has no option for a leeway of more than 5 minutes", async ({ scene }) => {
    expect(() => verifierOf({ jwks: scene.jwks, clockTolerance: 300 })).not.toThrow();
    expect(() => verifierOf({ jwks: scene.jwks, clockTolerance: 301 })).toThrow(TypeError);
  }),
  conforms(
    "9068-10",
    "rejects every failure with invalid_token, and does not reveal the cause",
    async (stage) => {
      const { own, token } = stage.scene;
      await onEachServer(stage, strict, async (send) => {
        expect(await send({ identity: own, token: token() })).toMatchObject({ status: 200 });
        const responses = new Set<string>();
        for (const [step, failure] of Object.entries(failures)) {
          const { status, headers, body } = await send({ identity: own, token: token(failure) });
          const challenge = headers["www-authenticate"] ?? "";
          expect({ step, status, challenge }).toMatchObject({
            status: 401,
            challenge: expect.stringMatching(/^Bearer .*error="invalid_token"/),
          });
          responses.add(`${challenge} ${body}`);
        }
        expect(responses.size).toBe(1);
      });
    },
    strict,
  ),
  ...Object.entries(requiredClaims).map(([claim, code]) =>
    rejects("9068-11", `a token without ${claim}`, {
      api: strict,
      accepted: { token: ({ token }) => token() },
      rejected: { token: ({ token }) => token({ claims: { [claim]: undefined } }) },
      code,
    }),
  ),
  rejects("9068-12", "a token without one of the required scopes", {
    api: { requirements: { scopes: ["read", "write"] } },
    accepted: { token: ({ token }) => token({ claims: { scope: "write read" } }) },
    rejected: { token: ({ token }) => token({ claims: { scope: "read" } }) },
    code: "ERR_SCOPE_INSUFFICIENT",
  }),
  rejects("9068-12", "a token without any of the required groups", {
    api: { requirements: { groups: ["auditors", "owners"] } },
    accepted: { token: ({ token }) => token({ claims: { groups: ["staff", "owners"] } }) },
    rejected: { token: ({ token }) => token({ claims: { groups: ["staff"] } }) },
    code: "ERR_ACCESS_DENIED",
  }),
  rejects("9068-12", "a token whose roles and entitlements the application does not accept", {
    api: {
      requirements: { authorize: ({ claims }) => claims["roles"] === "owner" && claims["entitlements"] === "all" },
    },
    accepted: { token: ({ token }) => token({ claims: { roles: "owner", entitlements: "all" } }) },
    rejected: { token: ({ token }) => token({ claims: { roles: "guest", entitlements: "all" } }) },
    code: "ERR_ACCESS_DENIED",
  }),
  ...(["ES256", "ES384", "RS256", "PS256", "Ed25519"] satisfies readonly KeyName[]).map((name) =>
    rejects("9068-13", `an ID token that is signed with the published key for ${name}`, {
      api: strict,
      accepted: { token: ({ token, keys }) => token({ key: keys[name] }) },
      rejected: {
        token: ({ token, keys }) => token({ key: keys[name], header: { typ: "JWT" } }),
      },
      code: "ERR_TOKEN_TYPE",
    }),
  ),
];
