import type { Requirements, Verifier } from "@certbound/core";
import { expect } from "vitest";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";
import { changed, signers } from "../../signers.ts";
import { outcomeOf, verifierOf, type VerificationOutcome } from "../../verification.ts";

const OTHER_ISSUER = "https://other-issuer.example";

/** Two issuers that share a key set, for two APIs. */
const twoIssuers: Api = {
  verifier: ({ jwks }) => ({
    issuer: [
      { issuer: ISSUER, audience: AUDIENCE, jwks },
      { issuer: OTHER_ISSUER, audience: "https://other-api.example", jwks },
    ],
    audience: undefined,
    jwks: undefined,
  }),
};

/** Seconds since the time of the scene, for one API. */
const time = { elapsed: 0 };

const movingClock: Api = { verifier: () => ({ clock: () => (NOW + time.elapsed) * 1000 }) };

/** Returns a function that verifies tokens, by default with the certificate of the client. */
function verifyFor(
  { own }: Scene,
  verifier: Verifier,
): (token: string, options?: object) => Promise<VerificationOutcome> {
  return (token, options) => outcomeOf(verifier.verify(token, { clientCertificate: own.der, ...options }));
}

/** Creates a verifier whose clock the case sets, in seconds since the time of the scene. */
function timed(scene: Scene): {
  readonly verify: ReturnType<typeof verifyFor>;
  readonly at: (seconds: number) => void;
} {
  let elapsed = 0;
  const verifier = verifierOf({ jwks: scene.jwks, clock: () => (NOW + elapsed) * 1000 });
  return {
    verify: verifyFor(scene, verifier),
    at: (seconds) => {
      elapsed = seconds;
    },
  };
}

/** Requirements of two routes, of which the first accepts the token and the second rejects it. */
const routes: readonly (readonly [
  name: string,
  claims: object,
  lenient: Requirements,
  strict: Requirements,
  code: VerificationOutcome,
])[] = [
  ["scopes", {}, { scopes: ["read"] }, { scopes: ["write"] }, "ERR_SCOPE_INSUFFICIENT"],
  ["groups", { groups: ["a"] }, { groups: ["a"] }, { groups: ["b"] }, "ERR_ACCESS_DENIED"],
  ["acr", { acr: "a" }, { acrValues: ["a"] }, { acrValues: ["b"] }, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ["maxAge", { auth_time: NOW - 60 }, { maxAge: 60 }, { maxAge: 59 }, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ["authorize", {}, { authorize: () => true }, { authorize: () => false }, "ERR_ACCESS_DENIED"],
];

/** Changed tokens that share a part with an accepted one, which might be the cache key. */
const similarTokens: readonly (readonly [name: string, change: (token: string) => string])[] = [
  ["with the same header and claims", (token) => token.replace(/[^.]+$/, (signature) => otherBytes(signature, 32))],
  ["that differs only at the end", (token) => token.replace(/[^.]+$/, (signature) => otherBytes(signature, 63))],
  ["with the same claims", (token) => token.replace(/^[^.]+/, (header) => withTyp(header, '"JWT"'))],
];

export const cases: readonly ConformanceCase[] = [
  conforms("Q-01", "rejects a previously accepted token after its expiry", async ({ scene }) => {
    const { verify, at } = timed(scene);
    const token = scene.token({ claims: { exp: NOW + 60 } });
    expect([await verify(token), await verify(token)]).toEqual(["accepted", "accepted"]);
    at(64);
    expect(await verify(token)).toBe("accepted");
    at(65);
    expect(await verify(token)).toBe("ERR_TOKEN_EXPIRED");
  }),
  conforms(
    "Q-01",
    "rejects an expired token on the connection on which it was accepted",
    async ({ scene, servers }) => {
      for (const { connections, routeOf } of servers) {
        const { path } = routeOf(movingClock);
        const fields = [["authorization", `Bearer ${scene.token()}`]] as const;
        const statuses: number[] = [];
        for (const seconds of [0, 0, 304, 305, 0]) {
          time.elapsed = seconds;
          statuses.push((await connections.own.send({ path, method: "GET", fields, body: undefined })).status);
        }
        expect(statuses).toEqual([200, 200, 200, 401, 200]);
      }
    },
    movingClock,
  ),
  conforms("Q-02", "compares the certificate every time, regardless of earlier results", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf({ jwks: scene.jwks });
    const token = scene.token();
    const verify = (clientCertificate: Uint8Array | null) => outcomeOf(verifier.verify(token, { clientCertificate }));
    expect([await verify(own.der), await verify(other.der), await verify(null), await verify(own.der)]).toEqual([
      "accepted",
      "ERR_BINDING_MISMATCH",
      "ERR_CERTIFICATE_MISSING",
      "accepted",
    ]);
  }),
  conforms("Q-02", "compares the certificate of each client for simultaneous requests", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf({ jwks: scene.jwks });
    const token = scene.token();
    const verify = (clientCertificate: Uint8Array | null) => outcomeOf(verifier.verify(token, { clientCertificate }));
    const outcomes = await Promise.all([own.der, other.der, null, own.der].map(verify));
    expect(outcomes).toEqual(["accepted", "ERR_BINDING_MISMATCH", "ERR_CERTIFICATE_MISSING", "accepted"]);
  }),
  conforms("Q-03", "verifies a token again for another audience, issuer, algorithm or key set", async ({ scene }) => {
    const token = scene.token();
    const outcomes = [
      {},
      { audience: "https://other-api.example" },
      { issuer: OTHER_ISSUER },
      { algorithms: ["ES384"] as const },
      { jwks: { keys: [scene.foreignKeys.ES256.jwk] } },
      {},
    ].map((options) => verifyFor(scene, verifierOf({ jwks: scene.jwks, ...options }))(token));
    expect(await Promise.all(outcomes)).toEqual([
      "accepted",
      "ERR_TOKEN_AUDIENCE",
      "ERR_TOKEN_ISSUER",
      "ERR_TOKEN_ALGORITHM",
      "ERR_TOKEN_KEY_UNKNOWN",
      "accepted",
    ]);
  }),
  rejects("Q-03", "a token of one issuer for the API of another issuer in the same verifier", {
    api: twoIssuers,
    accepted: { token: ({ token }) => token({ claims: { iss: ISSUER } }) },
    rejected: { token: ({ token }) => token({ claims: { iss: OTHER_ISSUER } }) },
    code: "ERR_TOKEN_AUDIENCE",
  }),
  ...routes.map(([name, claims, lenient, strict, code]) =>
    conforms("Q-03", `checks ${name} again for each route`, async ({ scene }) => {
      const verify = verifyFor(scene, verifierOf({ jwks: scene.jwks }));
      const token = scene.token({ claims: { ...claims } });
      expect([await verify(token, lenient), await verify(token, strict), await verify(token, lenient)]).toEqual([
        "accepted",
        code,
        "accepted",
      ]);
    }),
  ),
  conforms("Q-03", "checks the type again for a route where tokens may be unbound", async ({ scene }) => {
    const verify = verifyFor(scene, verifierOf({ jwks: scene.jwks }));
    const token = scene.token({ header: { typ: "JWT" } });
    const whenBound = { validateCertificateBinding: "when-bound" };
    expect([await verify(token), await verify(token, whenBound), await verify(token)]).toEqual([
      "accepted",
      "ERR_TOKEN_TYPE",
      "accepted",
    ]);
  }),
  ...similarTokens.map(([name, change]) =>
    conforms("Q-04", `rejects a forged token ${name}, after the valid one`, async ({ scene }) => {
      const verify = verifyFor(scene, verifierOf({ jwks: scene.jwks }));
      const token = scene.token();
      expect([await verify(token), await verify(change(token)), await verify(token)]).toEqual([
        "accepted",
        "ERR_TOKEN_SIGNATURE",
        "accepted",
      ]);
    }),
  ),
  conforms("Q-04", "verifies tokens with the same jti separately", async ({ scene }) => {
    const verify = verifyFor(scene, verifierOf({ jwks: scene.jwks }));
    const withJti = (differences: RawToken) => scene.token({ claims: { jti: "1", ...differences.claims } });
    const [valid, stolen] = [withJti({}), withJti({ claims: { cnf: { "x5t#S256": scene.other.thumbprint } } })];
    const forged = scene.token({
      claims: { jti: "1" },
      signer: changed(signers.ES256, (signature) => signature.with(0, (signature[0] ?? 0) ^ 1)),
    });
    expect([await verify(valid), await verify(stolen), await verify(forged), await verify(valid)]).toEqual([
      "accepted",
      "ERR_BINDING_MISMATCH",
      "ERR_TOKEN_SIGNATURE",
      "accepted",
    ]);
  }),
  conforms(
    "Q-05",
    "accepts a token after it was rejected as not yet valid, or as expired by a wrong clock",
    async ({ scene }) => {
      const { verify, at } = timed(scene);
      const token = scene.token({ claims: { nbf: NOW + 60, exp: NOW + 120 } });
      const outcomes = [await verify(token)];
      for (const seconds of [300, 60]) {
        at(seconds);
        outcomes.push(await verify(token));
      }
      expect(outcomes).toEqual(["ERR_TOKEN_NOT_YET_VALID", "ERR_TOKEN_EXPIRED", "accepted"]);
    },
  ),
  conforms(
    "Q-05",
    "accepts a token after it was rejected because of another certificate or a scope",
    async ({ scene }) => {
      const verify = verifyFor(scene, verifierOf({ jwks: scene.jwks }));
      const token = scene.token();
      expect([
        await verify(token, { clientCertificate: scene.other.der }),
        await verify(token, { clientCertificate: null }),
        await verify(token, { scopes: ["write"] }),
        await verify(token),
      ]).toEqual(["ERR_BINDING_MISMATCH", "ERR_CERTIFICATE_MISSING", "ERR_SCOPE_INSUFFICIENT", "accepted"]);
    },
  ),
];

/** Changes one bit of a part. */
function otherBytes(part: string, at: number): string {
  const bytes = Buffer.from(part, "base64url");
  return Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ 1)).toString("base64url");
}

/** Changes the typ of a header to another accepted one. */
function withTyp(header: string, typ: string): string {
  const json = Buffer.from(header, "base64url").toString();
  return Buffer.from(json.replace('"at+jwt"', typ)).toString("base64url");
}
