import { describe, expect, test } from "vitest";
import { createAuthenticator } from "../../src/authenticator.ts";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import type { SignatureAlgorithm } from "../../src/options/signature-algorithms.ts";
import { algorithms, supported } from "../support/algorithms.ts";
import { introspectionOf } from "../support/introspecting-verifier.ts";
import { type Outcome, outcomeOf } from "../support/outcome.ts";
import { requestWith } from "../support/requests.ts";
import { client, now, seconds, startIssuer, thief, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer({ algorithms: [...supported] });

type TokenOptions = Parameters<typeof issuer.accessToken>[0];

/** Returns the outcome for a token of the client with the given options. */
async function outcomeWith(options: VerifierOptions, token: TokenOptions = {}): Promise<Outcome> {
  const accessToken = await issuer.accessToken({ boundTo: client, algorithm: "ES256", ...token });
  return outcomeOf(verifierOf(issuer, options).verify(accessToken, { clientCertificate: client.certificate }));
}

const rfc9068 = { profile: "rfc9068" } as const;
const fapi2 = { profile: "fapi2", maxTokenAge: 300 } as const;

describe.each([
  ["rfc9068", rfc9068],
  ["fapi2", fapi2],
])("the profile %s", (_name, profile) => {
  test("accepts only a token that is bound to the client's certificate", async () => {
    expect(await outcomeWith(profile)).toBe("accepted");
    expect(await outcomeWith(profile, { boundTo: thief })).toBe("ERR_BINDING_MISMATCH");
  });

  test.each(["at+jwt", "application/at+jwt", "AT+JWT"])("accepts the typ %s", async (typ) => {
    expect(await outcomeWith(profile, { header: { typ } })).toBe("accepted");
  });

  test.each([["JWT"], [undefined], ["jwt"], ["at"]])("rejects the typ %s", async (typ) => {
    expect(await outcomeWith(profile, { header: { typ } })).toBe("ERR_TOKEN_TYPE");
    expect(await outcomeWith({}, { header: { typ } })).toBe(typ === "at" ? "ERR_TOKEN_TYPE" : "accepted");
  });

  test("rejects tokenTypes that accept more types", () => {
    for (const tokenTypes of [["at+jwt", "JWT"], [null], ["JWT"]]) {
      expect(() => verifierOf(issuer, { ...profile, tokenTypes })).toThrow(/tokenTypes/);
    }
    expect(() => verifierOf(issuer, { ...profile, tokenTypes: ["application/AT+JWT"] })).not.toThrow();
  });
});

describe("the profile rfc9068", () => {
  test.each(["sub", "client_id", "iat", "jti"])("requires %s (9068-11)", async (name) => {
    const without = { claims: { [name]: undefined } };
    expect(await outcomeWith(rfc9068, without)).toBe("ERR_TOKEN_CLAIM");
    expect(await outcomeWith({}, without)).toBe("accepted");
  });

  test("requires aud, even with audience: null (9068-11)", async () => {
    const without = { claims: { aud: undefined } };
    expect(await outcomeWith({ ...rfc9068, audience: null }, without)).toBe("ERR_TOKEN_CLAIM");
    expect(await outcomeWith({ ...rfc9068, audience: null })).toBe("accepted");
    expect(await outcomeWith({ audience: null }, without)).toBe("accepted");
    expect(await outcomeWith(rfc9068, without)).toBe("ERR_TOKEN_AUDIENCE");
  });

  test.each([
    ["sub", 5],
    ["client_id", null],
    ["jti", ["x"]],
    ["iat", "2000000000"],
  ])("rejects %s with the value %j", async (name, value) => {
    expect(await outcomeWith(rfc9068, { claims: { [name]: value } })).toBe("ERR_TOKEN_CLAIM");
  });

  test("accepts all algorithms (9068-02)", async () => {
    for (const algorithm of supported)
      expect([algorithm, await outcomeWith(rfc9068, { algorithm })]).toEqual([algorithm, "accepted"]);
  });

  test("allows routes that accept unbound tokens", async () => {
    const token = await issuer.accessToken({ algorithm: "ES256" });
    const use = { clientCertificate: null, validateCertificateBinding: "when-bound" } as const;
    expect(await outcomeOf(verifierOf(issuer, rfc9068).verify(token, use))).toBe("accepted");
  });
});

describe("the profile fapi2", () => {
  const permitted: ReadonlySet<SignatureAlgorithm> = new Set(["PS256", "ES256", "EdDSA", "Ed25519"]);

  test.each(algorithms.filter((algorithm) => supported.has(algorithm)))(
    "restricts the algorithms: %s (FAPI2-05)",
    async (algorithm) => {
      const expected = permitted.has(algorithm) ? "accepted" : "ERR_TOKEN_ALGORITHM";
      expect(await outcomeWith(fapi2, { algorithm })).toBe(expected);
      expect(await outcomeWith({}, { algorithm })).toBe("accepted");
    },
  );

  test("allows options with fewer algorithms, and rejects options with other algorithms", async () => {
    expect(await outcomeWith({ ...fapi2, algorithms: ["PS256"] })).toBe("ERR_TOKEN_ALGORITHM");
    expect(await outcomeWith({ ...fapi2, algorithms: ["ES256"] })).toBe("accepted");
    for (const algorithm of algorithms.filter((name) => !permitted.has(name))) {
      expect(() => verifierOf(issuer, { ...fapi2, algorithms: ["ES256", algorithm] })).toThrow(algorithm);
      const { audience, jwks } = issuer;
      const issuers = [{ issuer: issuer.issuer, audience, jwks, algorithms: [algorithm] }];
      const options = { ...fapi2, issuer: issuers, audience: undefined, jwks: undefined };
      expect(() => verifierOf(issuer, options)).toThrow(algorithm);
    }
  });

  test.each([
    ["iat", 10, "accepted"],
    ["iat", 60, "ERR_TOKEN_NOT_YET_VALID"],
    ["nbf", 10, "accepted"],
    ["nbf", 11, "ERR_TOKEN_NOT_YET_VALID"],
  ])("checks %s %i s in the future: %s (FAPI2-06)", async (name, ahead, expected) => {
    expect(await outcomeWith(fapi2, { claims: { [name]: seconds + ahead } })).toBe(expected);
  });

  test.each([
    ["iat", 60, "accepted"],
    ["iat", 61, "ERR_TOKEN_NOT_YET_VALID"],
    ["nbf", 60, "accepted"],
    ["nbf", 61, "ERR_TOKEN_NOT_YET_VALID"],
  ])("checks %s %i s in the future with the maximum tolerance: %s (FAPI2-06)", async (name, ahead, expected) => {
    const options = { ...fapi2, clockTolerance: 60 };
    expect(await outcomeWith(options, { claims: { [name]: seconds + ahead } })).toBe(expected);
  });

  test("rejects an iat more than 60 s in the future even without maxTokenAge", async () => {
    const introspection = introspectionOf(issuer, { always: true });
    const options = { profile: "fapi2", introspection } as const;
    expect(await outcomeWith(options, { claims: { iat: seconds + 60 } })).toBe("accepted");
    expect(await outcomeWith(options, { claims: { iat: seconds + 61 } })).toBe("ERR_TOKEN_NOT_YET_VALID");
    expect(await outcomeWith({ introspection }, { claims: { iat: seconds + 61 } })).toBe("accepted");
  });

  test("rejects a clockTolerance over 60 s", () => {
    expect(() => verifierOf(issuer, { ...fapi2, clockTolerance: 61 })).toThrow(/clockTolerance/);
    expect(() => verifierOf(issuer, { ...rfc9068, clockTolerance: 61 })).not.toThrow();
  });

  test("requires maxTokenAge or introspection of every token (FAPI2-03)", () => {
    const always = introspectionOf(issuer, { always: true });
    const opaqueOnly = introspectionOf(issuer);
    const configure = (options: VerifierOptions) => () => verifierOf(issuer, { profile: "fapi2", ...options });
    expect(configure({})).toThrow(/maxTokenAge.*always/);
    expect(configure({ introspection: opaqueOnly })).toThrow(/maxTokenAge.*always/);
    expect(configure({ introspection: always })).not.toThrow();
    expect(configure({ introspection: opaqueOnly, maxTokenAge: 300 })).not.toThrow();
    const { audience, jwks } = issuer;
    const both = [
      { issuer: issuer.issuer, audience, jwks, introspection: always },
      { issuer: "https://other.example", audience, jwks },
    ];
    expect(configure({ issuer: both, audience: undefined, jwks: undefined })).toThrow(/maxTokenAge.*always/);
  });

  test("rejects a token that is older than maxTokenAge", async () => {
    const old = { claims: { iat: seconds - 311, exp: seconds + 300 } };
    expect(await outcomeWith(fapi2, old)).toBe("ERR_TOKEN_EXPIRED");
    expect(await outcomeWith(rfc9068, old)).toBe("accepted");
    expect(await outcomeWith(fapi2, { claims: { iat: undefined } })).toBe("ERR_TOKEN_CLAIM");
  });

  test("requires bound tokens on every route (FAPI2-09)", async () => {
    const verifier = verifierOf(issuer, fapi2);
    const token = await issuer.accessToken({ boundTo: client, algorithm: "ES256" });
    for (const mode of ["when-bound", "report-only"] as const) {
      const use = { clientCertificate: client.certificate, validateCertificateBinding: mode };
      await expect(verifier.verify(token, use)).rejects.toThrow(TypeError);
      expect(() => createAuthenticator({ verifier })({ validateCertificateBinding: mode })).toThrow(/must be true/);
    }
    expect(() => createAuthenticator({ verifier })({ validateCertificateBinding: true })).not.toThrow();
    expect(await outcomeWith(fapi2, { boundTo: undefined as never })).toBe("ERR_BINDING_REQUIRED");
  });

  test("requires the Authorization header (FAPI2-01, FAPI2-02)", async () => {
    const verifier = verifierOf(issuer, fapi2);
    const token = await issuer.accessToken({ boundTo: client, algorithm: "ES256" });
    expect(() => createAuthenticator({ verifier, tokenResolver: () => token })).toThrow(/tokenResolver/);
    const authenticate = createAuthenticator({ verifier, certificateResolver: () => client.certificate })();
    expect(await outcomeOf(authenticate(requestWith(`Bearer ${token}`)))).toBe("accepted");
  });

  test("is applied to cached tokens", async () => {
    let time = now;
    const verifier = verifierOf(issuer, { ...fapi2, clock: () => time });
    const token = await issuer.accessToken({ boundTo: client, algorithm: "ES256", expiresIn: 3600 });
    const verify = () => outcomeOf(verifier.verify(token, { clientCertificate: client.certificate }));
    expect(await verify()).toBe("accepted");
    time = now + 309_999;
    expect(await verify()).toBe("accepted");
    time = now + 310_000;
    expect(await verify()).toBe("ERR_TOKEN_EXPIRED");
    time = now - 61_000;
    expect(await verify()).toBe("ERR_TOKEN_NOT_YET_VALID");
  });
});

test("an unknown profile throws a TypeError", () => {
  for (const profile of ["fapi1", "FAPI2", "", "__proto__", null, {}]) {
    expect(() => verifierOf(issuer, { profile } as never)).toThrow(/profile/);
  }
  expect(() => verifierOf(issuer, { profile: undefined })).not.toThrow();
});
