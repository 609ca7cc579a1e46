import {
  AccessTokenError,
  createAuthenticator,
  envoy,
  fromProxy,
  nginx,
  rfc9440,
  traefik,
  type VerifyOptions,
} from "@certbound/core";
import { cpuUsage } from "node:process";
import { expect } from "vitest";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** The approximate maximum length of a header on the servers of the suite. */
const LENGTH = 60_000;

/** The maximum CPU time in milliseconds for all texts below. Linear code takes far less, quadratic code far more. */
const BUDGET = 2000;

/** Texts that cause backtracking: repetitions with an end that does not match. */
const texts: readonly string[] = [
  "=",
  " ",
  "\t",
  "A",
  "-",
  "%41",
  "%",
  "\\",
  '"',
  ",",
  ";",
  ":",
  "Hash=",
  'By="\\"',
  ".",
].flatMap((unit) => {
  const repeated = unit.repeat(LENGTH / unit.length);
  return [repeated, `${repeated}!`, `By="${repeated}`, `:${repeated}`, `-----BEGIN CERTIFICATE-----${repeated}`];
});

const formats = [rfc9440(), nginx({ verify: "presented" }), traefik(), envoy()];

const SECRET = "secret-that-the-proxy-adds-to-requests";

export const cases: readonly ConformanceCase[] = [
  conforms("R-01", "parses every header in linear time", async ({ scene }) => {
    const socket = {};
    const authenticate = createAuthenticator({
      verifier: verifierOf({ jwks: scene.jwks }),
      certificateResolver: () => scene.own.der,
    })();
    const started = cpuUsage();
    for (const text of texts) {
      const outcome = await outcomeOf(authenticate({ rawHeaders: ["authorization", `Bearer ${text}`], socket }));
      expect(outcome).toMatch(/^ERR_(?:TOKEN|REQUEST)_MALFORMED$/);
      for (const format of formats) {
        const resolve = fromProxy(format, { trust: { secret: { header: "x-secret", value: SECRET } } });
        const verified = ["ssl-client-verify", "SUCCESS", "x-secret", SECRET];
        const resolved = resolve({ rawHeaders: [format.header, text, ...verified], socket });
        expect(resolved).toBeInstanceOf(AccessTokenError);
      }
    }
    const { user } = cpuUsage(started);
    expect(user / 1000).toBeLessThan(BUDGET);
    const valid = { rawHeaders: ["authorization", `Bearer ${scene.token()}`], socket };
    expect(await outcomeOf(authenticate(valid))).toBe("accepted");
  }),
  conforms("R-01", "returns the same result for repeated verifications", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf({ jwks: scene.jwks });
    const resolve = fromProxy(envoy(), { trust: { secret: { header: "x-secret", value: SECRET } } });
    const element = `Hash=${Buffer.from(own.thumbprint, "base64url").toString("hex")}`;
    const outcomes: unknown[] = [];
    for (let round = 0; round < 4; round += 1) {
      const clientCertificate = resolve({
        rawHeaders: ["x-forwarded-client-cert", element, "x-secret", SECRET],
        socket: {},
      });
      const verify = (certificate: VerifyOptions["clientCertificate"]) =>
        outcomeOf(verifier.verify(scene.token(), { clientCertificate: certificate, scopes: ["read"] }));
      outcomes.push([await verify(clientCertificate ?? null), await verify(other.der)]);
    }
    expect(outcomes).toEqual(Array.from({ length: 4 }, () => ["accepted", "ERR_BINDING_MISMATCH"]));
  }),
  conforms(
    "R-01",
    "does not accept a regular expression as an issuer, audience or other text to compare",
    async ({ scene }) => {
      const pattern = /^https:\/\//g as never;
      const invalid = [
        { issuer: pattern },
        { issuer: [{ issuer: pattern, audience: "a", jwks: scene.jwks }] },
        { audience: pattern },
        { audience: [pattern] },
        { tokenTypes: [pattern] },
        { algorithms: [pattern] },
      ];
      for (const options of invalid) expect(() => verifierOf({ jwks: scene.jwks, ...options })).toThrow(TypeError);
      const verify = (requirements: object) =>
        verifierOf({ jwks: scene.jwks }).verify(scene.token(), { clientCertificate: scene.own.der, ...requirements });
      for (const name of ["scopes", "groups", "acrValues"]) {
        await expect(verify({ [name]: [pattern] })).rejects.toThrow(TypeError);
      }
      expect(await outcomeOf(verify({ scopes: ["read"] }))).toBe("accepted");
    },
  ),
];
