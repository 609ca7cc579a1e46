import { expect } from "vitest";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";
import { verifierOf } from "../../verification.ts";

const requiresScope: Api = { requirements: { scopes: ["admin"] } };

const requiresGroup: Api = { requirements: { groups: ["admin"] } };

const requiresAcr: Api = { requirements: { acrValues: ["phr"] } };

const requiresAllClaims: Api = { verifier: () => ({ profile: "rfc9068" }) };

/** Moves claims of a token into a claim that is named after a member of objects. */
function movedInto(name: string, claimsOf: (scene: Scene) => Readonly<Record<string, unknown>>): Attempt {
  return {
    token: (scene) => {
      const claims = claimsOf(scene);
      return scene.token({
        claims: Object.fromEntries(Object.keys(claims).map((claim) => [claim, undefined])),
        // JSON.stringify omits an assigned __proto__.
        payloadText: (json) => json.replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(claims)}}`),
      });
    },
  };
}

/** Copies claims of a token into a claim that is named after a member of objects. */
function copiedInto(name: string, claimsOf: (scene: Scene) => Readonly<Record<string, unknown>>): Attempt {
  return {
    token: (scene) =>
      scene.token({
        claims: claimsOf(scene),
        payloadText: (json) => json.replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(claimsOf(scene))}}`),
      }),
  };
}

const required = [
  ["the binding", ({ own }: Scene) => ({ cnf: { "x5t#S256": own.thumbprint } }), undefined, "ERR_BINDING_REQUIRED"],
  ["the audience", () => ({ aud: AUDIENCE }), undefined, "ERR_TOKEN_AUDIENCE"],
  ["the issuer", () => ({ iss: ISSUER }), undefined, "ERR_TOKEN_ISSUER"],
  ["the expiry", () => ({ exp: NOW + 300 }), undefined, "ERR_TOKEN_CLAIM"],
  ["the subject", () => ({ sub: "client-1" }), requiresAllClaims, "ERR_TOKEN_CLAIM"],
  ["the scope", () => ({ scope: "admin" }), requiresScope, "ERR_SCOPE_INSUFFICIENT"],
  ["the groups", () => ({ groups: ["admin"] }), requiresGroup, "ERR_ACCESS_DENIED"],
  ["the authentication", () => ({ acr: "phr" }), requiresAcr, "ERR_AUTHENTICATION_INSUFFICIENT"],
] as const;

export const cases: readonly ConformanceCase[] = [
  ...["__proto__", "constructor", "prototype"].flatMap((name) =>
    required.map(([subject, claimsOf, api, code]) =>
      rejects("P-01", `a token with ${subject} only in a claim ${name}`, {
        ...(api && { api }),
        accepted: copiedInto(name, claimsOf),
        rejected: movedInto(name, claimsOf),
        code,
      }),
    ),
  ),
  rejects("P-01", "a confirmation with the thumbprint only in its __proto__", {
    accepted: {
      token: ({ token, own }) =>
        token({
          payloadText: (json) =>
            json.replace(/"cnf":\{[^}]*\}/, `"cnf":{"__proto__":{},"x5t#S256":"${own.thumbprint}"}`),
        }),
    },
    rejected: {
      token: ({ token, own }) =>
        token({
          payloadText: (json) =>
            json.replace(/"cnf":\{[^}]*\}/, `"cnf":{"__proto__":{"x5t#S256":"${own.thumbprint}"}}`),
        }),
    },
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  rejects("P-01", "a header with alg only in its __proto__", {
    accepted: {
      token: ({ token }) => token({ headerText: (json) => json.replace(/\}$/, ',"__proto__":{"alg":"x"}}') }),
    },
    rejected: {
      token: ({ token }) =>
        token({
          header: { alg: undefined },
          headerText: (json) => json.replace(/\}$/, ',"__proto__":{"alg":"ES256"}}'),
        }),
    },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  ...["toString", "hasOwnProperty", "valueOf"].map((scope) =>
    rejects("P-01", `the scope ${scope}, a member of every object, where admin is required`, {
      api: requiresScope,
      accepted: { token: ({ token }) => token({ claims: { scope: `${scope} admin` } }) },
      rejected: { token: ({ token }) => token({ claims: { scope } }) },
      code: "ERR_SCOPE_INSUFFICIENT",
    }),
  ),
  conforms(
    "P-01",
    "returns claims that do not inherit from a claim __proto__, and does not pollute objects",
    async ({ scene }) => {
      const verifier = verifierOf({ jwks: scene.jwks });
      const token = scene.token({
        payloadText: (json) =>
          json.replace(/\}$/, ',"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'),
      });
      const { claims } = await verifier.verify(token, { clientCertificate: scene.own.der });
      expect(claims["admin"]).toBeUndefined();
      expect([Object.prototype, null]).toContain(Object.getPrototypeOf(claims));
      expect(Object.hasOwn(claims, "__proto__")).toBe(true);
      expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
      await expect(verifier.verify(token, { clientCertificate: scene.other.der })).rejects.toMatchObject({
        code: "ERR_BINDING_MISMATCH",
      });
    },
  ),
];
