import type { Requirements, Verifier } from "@certbound/core";
import { expect } from "vitest";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";
import { changed, signers } from "../../signers.ts";
import { outcomeOf, verifierOf, type VerificationOutcome } from "../../verification.ts";

const OTHER_ISSUER = "https://other-issuer.example";

/** Two issuers of one key set, for two APIs. */
const ofTwoIssuers: Api = {
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

const ofMovingTime: Api = { verifier: () => ({ clock: () => (NOW + time.elapsed) * 1000 }) };

/** Verifies for the client with its own certificate, or with another. */
function verifying(
  { own }: Scene,
  verifier: Verifier,
): (token: string, given?: object) => Promise<VerificationOutcome> {
  return (token, given) => outcomeOf(verifier.verify(token, { clientCertificate: own.der, ...given }));
}

/** A verifier whose clock the case sets, in seconds from the time of the scene. */
function timed(scene: Scene): {
  readonly verify: ReturnType<typeof verifying>;
  readonly at: (seconds: number) => void;
} {
  let elapsed = 0;
  const verifier = verifierOf({ jwks: scene.jwks, clock: () => (NOW + elapsed) * 1000 });
  return {
    verify: verifying(scene, verifier),
    at: (seconds) => {
      elapsed = seconds;
    },
  };
}

/** Requirements of two routes: what the first accepts, the second rejects. */
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
  ["the age of the login", { auth_time: NOW - 60 }, { maxAge: 60 }, { maxAge: 59 }, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ["authorize", {}, { authorize: () => true }, { authorize: () => false }, "ERR_ACCESS_DENIED"],
];

/** Other tokens that share something with one that was accepted, by which it might be kept. */
const lookalikes: readonly (readonly [name: string, change: (token: string) => string])[] = [
  ["of the same header and claims", (token) => token.replace(/[^.]+$/, (signature) => otherBytes(signature, 32))],
  ["of the same beginning", (token) => token.replace(/[^.]+$/, (signature) => otherBytes(signature, 63))],
  ["of the same claims", (token) => token.replace(/^[^.]+/, (header) => rewritten(header, '"JWT"'))],
];

export const cases: readonly ConformanceCase[] = [
  conforms("Q-01", "rejects a token that was accepted before, once it has expired", async ({ scene }) => {
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
    "rejects it once it has expired, on the connection that it was accepted on",
    async ({ scene, servers }) => {
      for (const { connections, routeOf } of servers) {
        const { path } = routeOf(ofMovingTime);
        const fields = [["authorization", `Bearer ${scene.token()}`]] as const;
        const statuses: number[] = [];
        for (const seconds of [0, 0, 304, 305, 0]) {
          time.elapsed = seconds;
          statuses.push((await connections.own.send({ path, method: "GET", fields, body: undefined })).status);
        }
        expect(statuses).toEqual([200, 200, 200, 401, 200]);
      }
    },
    ofMovingTime,
  ),
  conforms("Q-02", "judges the certificate each time, whatever came before", async ({ scene }) => {
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
  conforms("Q-02", "judges each of two clients that ask at the same time by its own certificate", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf({ jwks: scene.jwks });
    const token = scene.token();
    const verify = (clientCertificate: Uint8Array | null) => outcomeOf(verifier.verify(token, { clientCertificate }));
    const outcomes = await Promise.all([own.der, other.der, null, own.der].map(verify));
    expect(outcomes).toEqual(["accepted", "ERR_BINDING_MISMATCH", "ERR_CERTIFICATE_MISSING", "accepted"]);
  }),
  conforms(
    "Q-03",
    "judges a token anew for another API, of another issuer, and by other algorithms",
    async ({ scene }) => {
      const token = scene.token();
      const outcomes = [
        {},
        { audience: "https://other-api.example" },
        { issuer: OTHER_ISSUER },
        { algorithms: ["ES384"] as const },
        { jwks: { keys: [scene.foreignKeys.ES256.jwk] } },
        {},
      ].map((options) => verifying(scene, verifierOf({ jwks: scene.jwks, ...options }))(token));
      expect(await Promise.all(outcomes)).toEqual([
        "accepted",
        "ERR_TOKEN_AUDIENCE",
        "ERR_TOKEN_ISSUER",
        "ERR_TOKEN_ALGORITHM",
        "ERR_TOKEN_KEY_UNKNOWN",
        "accepted",
      ]);
    },
  ),
  rejects("Q-03", "a token of one issuer for the API of another, though one verifier is for both", {
    api: ofTwoIssuers,
    accepted: { token: ({ token }) => token({ claims: { iss: ISSUER } }) },
    rejected: { token: ({ token }) => token({ claims: { iss: OTHER_ISSUER } }) },
    code: "ERR_TOKEN_AUDIENCE",
  }),
  ...routes.map(([name, claims, lenient, strict, code]) =>
    conforms("Q-03", `judges ${name} anew for each route`, async ({ scene }) => {
      const verify = verifying(scene, verifierOf({ jwks: scene.jwks }));
      const token = scene.token({ claims: { ...claims } });
      expect([await verify(token, lenient), await verify(token, strict), await verify(token, lenient)]).toEqual([
        "accepted",
        code,
        "accepted",
      ]);
    }),
  ),
  conforms("Q-03", "judges the type anew for a route where tokens need not be bound", async ({ scene }) => {
    const verify = verifying(scene, verifierOf({ jwks: scene.jwks }));
    const token = scene.token({ header: { typ: "JWT" } });
    const whenBound = { validateCertificateBinding: "when-bound" };
    expect([await verify(token), await verify(token, whenBound), await verify(token)]).toEqual([
      "accepted",
      "ERR_TOKEN_TYPE",
      "accepted",
    ]);
  }),
  ...lookalikes.map(([name, change]) =>
    conforms("Q-04", `rejects a forged token ${name}, after the right one`, async ({ scene }) => {
      const verify = verifying(scene, verifierOf({ jwks: scene.jwks }));
      const token = scene.token();
      expect([await verify(token), await verify(change(token)), await verify(token)]).toEqual([
        "accepted",
        "ERR_TOKEN_SIGNATURE",
        "accepted",
      ]);
    }),
  ),
  conforms(
    "Q-04",
    "judges tokens of one jti, one of which is bound to another certificate, apart",
    async ({ scene }) => {
      const verify = verifying(scene, verifierOf({ jwks: scene.jwks }));
      const of = (differences: RawToken) => scene.token({ claims: { jti: "1", ...differences.claims } });
      const [right, stolen] = [of({}), of({ claims: { cnf: { "x5t#S256": scene.other.thumbprint } } })];
      const forged = scene.token({
        claims: { jti: "1" },
        signer: changed(signers.ES256, (signature) => signature.with(0, (signature[0] ?? 0) ^ 1)),
      });
      expect([await verify(right), await verify(stolen), await verify(forged), await verify(right)]).toEqual([
        "accepted",
        "ERR_BINDING_MISMATCH",
        "ERR_TOKEN_SIGNATURE",
        "accepted",
      ]);
    },
  ),
  conforms(
    "Q-05",
    "accepts a token that was rejected as not yet valid, or as expired by a wrong clock",
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
  conforms("Q-05", "accepts a token that was rejected for another certificate, or for a scope", async ({ scene }) => {
    const verify = verifying(scene, verifierOf({ jwks: scene.jwks }));
    const token = scene.token();
    expect([
      await verify(token, { clientCertificate: scene.other.der }),
      await verify(token, { clientCertificate: null }),
      await verify(token, { scopes: ["write"] }),
      await verify(token),
    ]).toEqual(["ERR_BINDING_MISMATCH", "ERR_CERTIFICATE_MISSING", "ERR_SCOPE_INSUFFICIENT", "accepted"]);
  }),
];

/** Changes one bit of what a part holds. */
function otherBytes(part: string, at: number): string {
  const bytes = Buffer.from(part, "base64url");
  return Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ 1)).toString("base64url");
}

/** Gives a header another typ, one that is accepted as well. */
function rewritten(header: string, typ: string): string {
  const json = Buffer.from(header, "base64url").toString();
  return Buffer.from(json.replace('"at+jwt"', typ)).toString("base64url");
}
