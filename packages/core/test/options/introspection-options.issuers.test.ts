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

/** Lists what each issuer introspects: opaque tokens, JWTs, both or nothing. */
function introspected({ issuers }: VerifierConfiguration): readonly string[] {
  return issuers.map(({ issuer, introspection: options }) => {
    const what = [options?.opaqueTokens && "opaque tokens", options?.always && "JWTs"].filter(Boolean);
    return `${issuer}: ${what.join(", ")}`;
  });
}

describe("one issuer", () => {
  test("introspects tokens only with the option introspection", () => {
    expect(introspected(parse({ issuer: first, introspection }))).toEqual([`${first}: opaque tokens`]);
    expect(introspected(parse({ issuer: first }))).toEqual([`${first}: `]);
    expect(introspected(parse({ issuer: first, introspection: undefined }))).toEqual([`${first}: `]);
  });

  test("introspects tokens if it comes from the environment", () => {
    for (const name of ["CERTBOUND_AUDIENCE", "CERTBOUND_JWKS_URI"]) vi.stubEnv(name, undefined);
    vi.stubEnv("CERTBOUND_ISSUER", first);
    expect(introspected(parse({ introspection }))).toEqual([`${first}: opaque tokens`]);
  });

  test.each([null, true, "api", 1, [introspection]])("rejects introspection options of %j", (value) => {
    expectRejection({ issuer: first, introspection: value }, "introspection");
  });

  test("rejects invalid introspection options by name", () => {
    expectRejection({ issuer: first, introspection: {} }, "clientId");
    expectRejection({ issuer: first, introspection: { ...introspection, opaqueTokens: false } }, "opaqueTokens");
  });

  test.each(["urn:as", "http://as.example", "https://as.example?a=b", "https://as.example#a"])(
    "%s requires the endpoint, because it has no trustworthy metadata",
    (issuer) => {
      expectRejection({ issuer, jwks, introspection }, "endpoint");
      const given = { ...introspection, endpoint: "https://as.example/introspect" };
      expect(introspected(parse({ issuer, jwks, introspection: given }))).toEqual([`${issuer}: opaque tokens`]);
    },
  );

  test("does not require the endpoint if keys are given", () => {
    expect(introspected(parse({ issuer: first, jwks, introspection }))).toEqual([`${first}: opaque tokens`]);
  });

  test("accepts a certificate from the option fetch, alone and in a list", () => {
    const tls = { clientId: "api", clientAuthentication: "tls_client_auth" };
    expectRejection({ issuer: first, introspection: tls }, "clientTls");
    expectRejection({ issuer: [{ issuer: first, introspection: tls }] }, "clientTls");
    expect(() => parse({ issuer: first, introspection: tls, fetch })).not.toThrow();
    expect(() => parse({ issuer: [{ issuer: first, introspection: tls }], fetch })).not.toThrow();
  });
});

describe("several issuers", () => {
  test("have separate introspection options", () => {
    const issuer = [{ issuer: first, introspection }, { issuer: second, introspection: jwtsOnly }, { issuer: third }];
    expect(introspected(parse({ issuer }))).toEqual([`${first}: opaque tokens`, `${second}: JWTs`, `${third}: `]);
  });

  test("cannot have common introspection options", () => {
    const issuer = [{ issuer: first }, { issuer: second }];
    expectRejection({ issuer, introspection }, "introspection");
    expectRejection({ issuer, introspection: jwtsOnly }, "introspection");
    expectRejection({ issuer: [{ issuer: first }], introspection }, "introspection");
    expect(() => parse({ issuer, introspection: undefined })).not.toThrow();
  });

  test.each<[string, object, object]>([
    ["by default", introspection, introspection],
    ["with an explicit opaqueTokens", { ...introspection, opaqueTokens: true }, introspection],
    ["with always", { ...introspection, always: true }, { ...introspection, always: true }],
    ["with other credentials", introspection, { clientId: "api-2", clientSecret: "other" }],
  ])("cannot both introspect opaque tokens, %s", (_name, one, other) => {
    const issuers = (...all: readonly object[]) => {
      return { issuer: all.map((given, index) => ({ issuer: `https://${index}.example`, introspection: given })) };
    };
    expectRejection(issuers(one, other), "introspection");
    expectRejection(issuers(one, jwtsOnly, other), "introspection");
    expect(() => parse(issuers(one, jwtsOnly, jwtsOnly))).not.toThrow();
    expect(() => parse(issuers(jwtsOnly, other))).not.toThrow();
  });

  test("have invalid introspection options rejected by name", () => {
    const entry = (options: object) => ({ issuer: [{ issuer: first }, { issuer: second, introspection: options }] });
    expectRejection(entry({ clientId: "api" }), "clientSecret");
    expectRejection(entry({ ...introspection, opaqueTokens: false }), "opaqueTokens");
    expect(introspected(parse(entry(introspection)))).toEqual([`${first}: `, `${second}: opaque tokens`]);
  });
});
