import { expect } from "vitest";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";
import { verifierOf } from "../../verification.ts";

const admins: Api = { requirements: { scopes: ["admin"] } };

const group: Api = { requirements: { groups: ["admin"] } };

const stronglyAuthenticated: Api = { requirements: { acrValues: ["phr"] } };

const withAllClaims: Api = { verifier: () => ({ profile: "rfc9068" }) };

/** A token without some of its claims, and with them behind a name that objects have, too. */
function under(name: string, moved: (scene: Scene) => Readonly<Record<string, unknown>>): Attempt {
  return {
    token: (scene) => {
      const claims = moved(scene);
      return scene.token({
        claims: Object.fromEntries(Object.keys(claims).map((claim) => [claim, undefined])),
        // JSON.stringify would not write an own __proto__ that was assigned.
        payloadText: (json) => json.replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(claims)}}`),
      });
    },
  };
}

/** The same claims where they belong, beside those of the odd name. */
function beside(name: string, moved: (scene: Scene) => Readonly<Record<string, unknown>>): Attempt {
  return {
    token: (scene) =>
      scene.token({
        claims: moved(scene),
        payloadText: (json) => json.replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(moved(scene))}}`),
      }),
  };
}

const required = [
  ["the binding", ({ own }: Scene) => ({ cnf: { "x5t#S256": own.thumbprint } }), undefined, "ERR_BINDING_REQUIRED"],
  ["the audience", () => ({ aud: AUDIENCE }), undefined, "ERR_TOKEN_AUDIENCE"],
  ["the issuer", () => ({ iss: ISSUER }), undefined, "ERR_TOKEN_ISSUER"],
  ["the expiry", () => ({ exp: NOW + 300 }), undefined, "ERR_TOKEN_CLAIM"],
  ["the subject", () => ({ sub: "client-1" }), withAllClaims, "ERR_TOKEN_CLAIM"],
  ["the scope", () => ({ scope: "admin" }), admins, "ERR_SCOPE_INSUFFICIENT"],
  ["the groups", () => ({ groups: ["admin"] }), group, "ERR_ACCESS_DENIED"],
  ["the authentication", () => ({ acr: "phr" }), stronglyAuthenticated, "ERR_AUTHENTICATION_INSUFFICIENT"],
] as const;

export const cases: readonly ConformanceCase[] = [
  ...["__proto__", "constructor", "prototype"].flatMap((name) =>
    required.map(([what, moved, api, code]) =>
      rejects("P-01", `a token that has ${what} in a claim ${name} only`, {
        ...(api && { api }),
        accepted: beside(name, moved),
        rejected: under(name, moved),
        code,
      }),
    ),
  ),
  rejects("P-01", "a confirmation whose thumbprint is in its __proto__ only", {
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
  rejects("P-01", "a header whose alg is in its __proto__ only", {
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
    rejects("P-01", `the scope ${scope}, which every object has, where admin is required`, {
      api: admins,
      accepted: { token: ({ token }) => token({ claims: { scope: `${scope} admin` } }) },
      rejected: { token: ({ token }) => token({ claims: { scope } }) },
      code: "ERR_SCOPE_INSUFFICIENT",
    }),
  ),
  conforms(
    "P-01",
    "gives claims that inherit nothing from a claim __proto__, and pollutes no object",
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
