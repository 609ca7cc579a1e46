import { afterEach, describe, expect, test, vi } from "vitest";
import type { VerifierConfiguration } from "../../src/options/configuration.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";

const audience = "https://api.example";
const [first, second, third] = ["https://a.example", "https://b.example", "https://c.example"] as const;
const introspection = { clientId: "api", clientSecret: "secret" };
const jwtsOnly = { ...introspection, opaqueTokens: false, always: true };
const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] };

afterEach(() => {
  vi.unstubAllEnvs();
});

function parse(options: object): VerifierConfiguration {
  return parseVerifierOptions({ audience, ...options });
}

/** Expects options to be rejected by a TypeError that names one of them. */
function expectRejection(options: object, name: string): void {
  expect(() => parse(options)).toThrow(TypeError);
  expect(() => parse(options)).toThrow(`option "${name}"`);
}

/** What each issuer introspects: opaque tokens, JWTs, both or nothing. */
function introspected({ issuers }: VerifierConfiguration): readonly string[] {
  return issuers.map(({ issuer, introspection: own }) => {
    const what = [own?.opaqueTokens && "opaque tokens", own?.always && "JWTs"].filter(Boolean);
    return `${issuer}: ${what.join(", ")}`;
  });
}

describe("one issuer", () => {
  test("is introspected only where it is said", () => {
    expect(introspected(parse({ issuer: first, introspection }))).toEqual([`${first}: opaque tokens`]);
    expect(introspected(parse({ issuer: first }))).toEqual([`${first}: `]);
    expect(introspected(parse({ issuer: first, introspection: undefined }))).toEqual([`${first}: `]);
  });

  test("is introspected where it comes from the environment", () => {
    for (const name of ["CERTBOUND_AUDIENCE", "CERTBOUND_JWKS_URI"]) vi.stubEnv(name, undefined);
    vi.stubEnv("CERTBOUND_ISSUER", first);
    expect(introspected(parse({ introspection }))).toEqual([`${first}: opaque tokens`]);
  });

  test.each([null, true, "api", 1, [introspection]])("is not introspected as %j", (value) => {
    expectRejection({ issuer: first, introspection: value }, "introspection");
  });

  test("has its mistakes named", () => {
    expectRejection({ issuer: first, introspection: {} }, "clientId");
    expectRejection({ issuer: first, introspection: { ...introspection, opaqueTokens: false } }, "opaqueTokens");
  });

  test.each(["urn:as", "http://as.example", "https://as.example?a=b", "https://as.example#a"])(
    "%s publishes no metadata that could be trusted, and needs the endpoint given",
    (issuer) => {
      expectRejection({ issuer, jwks, introspection }, "endpoint");
      const given = { ...introspection, endpoint: "https://as.example/introspect" };
      expect(introspected(parse({ issuer, jwks, introspection: given }))).toEqual([`${issuer}: opaque tokens`]);
    },
  );

  test("has its endpoint found even where its keys are given", () => {
    expect(introspected(parse({ issuer: first, jwks, introspection }))).toEqual([`${first}: opaque tokens`]);
  });

  test("can be asked with the certificate of the option fetch, also of one among several", () => {
    const tls = { clientId: "api", clientAuthentication: "tls_client_auth" };
    expectRejection({ issuer: first, introspection: tls }, "clientTls");
    expectRejection({ issuer: [{ issuer: first, introspection: tls }] }, "clientTls");
    expect(() => parse({ issuer: first, introspection: tls, fetch })).not.toThrow();
    expect(() => parse({ issuer: [{ issuer: first, introspection: tls }], fetch })).not.toThrow();
  });
});

describe("several issuers", () => {
  test("are introspected each by its own options", () => {
    const issuer = [{ issuer: first, introspection }, { issuer: second, introspection: jwtsOnly }, { issuer: third }];
    expect(introspected(parse({ issuer }))).toEqual([`${first}: opaque tokens`, `${second}: JWTs`, `${third}: `]);
  });

  test("have no introspection in common", () => {
    const issuer = [{ issuer: first }, { issuer: second }];
    expectRejection({ issuer, introspection }, "introspection");
    expectRejection({ issuer, introspection: jwtsOnly }, "introspection");
    expectRejection({ issuer: [{ issuer: first }], introspection }, "introspection");
    expect(() => parse({ issuer, introspection: undefined })).not.toThrow();
  });

  test.each<[string, object, object]>([
    ["by default", introspection, introspection],
    ["as it is written", { ...introspection, opaqueTokens: true }, introspection],
    ["beside JWTs", { ...introspection, always: true }, { ...introspection, always: true }],
    ["with other credentials", introspection, { clientId: "api-2", clientSecret: "other" }],
  ])("are not both asked about opaque tokens, %s: such a token names none", (_name, one, other) => {
    const issuers = (...all: readonly object[]) => {
      return { issuer: all.map((given, index) => ({ issuer: `https://${index}.example`, introspection: given })) };
    };
    expectRejection(issuers(one, other), "introspection");
    expectRejection(issuers(one, jwtsOnly, other), "introspection");
    expect(() => parse(issuers(one, jwtsOnly, jwtsOnly))).not.toThrow();
    expect(() => parse(issuers(jwtsOnly, other))).not.toThrow();
  });

  test("have their mistakes named", () => {
    const entry = (options: object) => ({ issuer: [{ issuer: first }, { issuer: second, introspection: options }] });
    expectRejection(entry({ clientId: "api" }), "clientSecret");
    expectRejection(entry({ ...introspection, opaqueTokens: false }), "opaqueTokens");
    expect(introspected(parse(entry(introspection)))).toEqual([`${first}: `, `${second}: opaque tokens`]);
  });
});
