import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { IssuerOptions, VerifierConfiguration, VerifierOptions } from "../../src/options/configuration.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { signatureAlgorithms } from "../../src/options/signature-algorithms.ts";
import { defaultProfileRules } from "../../src/options/profiles.ts";

const issuer = "https://as.example";
const audience = "https://api.example";
const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] };

beforeEach(() => {
  for (const name of ["CERTBOUND_ISSUER", "CERTBOUND_AUDIENCE", "CERTBOUND_JWKS_URI"]) vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Parses options, completed to valid ones. Accepts types that do not compile. */
function parse(options: object = {}): VerifierConfiguration {
  return parseVerifierOptions({ issuer, audience, ...options });
}

/** Expects options to be rejected by a TypeError that names one of them. */
function expectRejection(options: unknown, name: string): void {
  expect(() => parseVerifierOptions(options as VerifierOptions)).toThrow(TypeError);
  expect(() => parseVerifierOptions(options as VerifierOptions)).toThrow(name);
}

/** Returns the configuration of the only issuer. */
function only({ issuers }: VerifierConfiguration): VerifierConfiguration["issuers"][number] | undefined {
  expect(issuers).toHaveLength(1);
  return issuers[0];
}

describe("parseVerifierOptions", () => {
  test("applies the defaults", () => {
    const { issuers, algorithms, ...rest } = parse();
    expect([...algorithms]).toEqual(Object.keys(signatureAlgorithms));
    expect(rest).toEqual({
      introspectionMayOmitCnf: false,
      profileRules: defaultProfileRules,
      tokenTypes: undefined,
      clockTolerance: 5,
      maxTokenAge: undefined,
      verifiedTokens: 10_000,
      fetch: globalThis.fetch,
      clock: Date.now,
    });
    expect(issuers).toMatchObject([{ issuer, audience: [audience], keys: { kind: "discovery", issuer } }]);
  });

  test("keeps the given values", () => {
    const given = {
      clockTolerance: 0,
      maxTokenAge: 300,
      verifiedTokens: 7,
      fetch: async () => new Response(),
      clock: () => 0,
    };
    expect(parse(given)).toMatchObject(given);
  });

  test("treats undefined as not given", () => {
    const names = [
      "jwks",
      "algorithms",
      "tokenTypes",
      "clockTolerance",
      "maxTokenAge",
      "verifiedTokens",
      "fetch",
      "clock",
    ];
    expect(parse(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(parse());
  });

  test("freezes the configuration and its issuers", () => {
    const configuration = parse();
    expect(Object.isFrozen(configuration)).toBe(true);
    expect(Object.isFrozen(only(configuration))).toBe(true);
  });

  test.each([
    ["unknown", { leeway: 5 }, '"leeway"'],
    ["misspelled", { audiences: [audience] }, '"audiences"'],
    ["in different case", { Audience: audience }, '"Audience"'],
    ["unknown and undefined", { clockTolerence: undefined }, '"clockTolerence"'],
    ["a member of every object", { constructor: Object }, '"constructor"'],
    ["an option of a route", { validateCertificateBinding: true }, '"validateCertificateBinding"'],
  ])("rejects an option that is %s", (_, options, name) => {
    expectRejection({ issuer, audience, ...options }, name);
  });

  test.each([null, "https://as.example", 1, [{ issuer, audience }]])("rejects %j instead of options", (options) => {
    expectRejection(options, "options must be an object");
  });
});

describe("the option", () => {
  test.each<[string, readonly unknown[]]>([
    ["issuer", ["", 1, null, [], {}, new URL(issuer), /as/]],
    ["audience", ["", [], [""], [audience, ""], [audience, 1], [undefined], 1, {}, /api/, new URL(audience)]],
    [
      "algorithms",
      [
        [],
        "ES256",
        ["HS256"],
        ["none"],
        ["es256"],
        ["ES256", "HS512"],
        ["ES256K"],
        ["RSA-OAEP"],
        ["toString"],
        [""],
        [1],
        [["ES256"]],
        null,
      ],
    ],
    ["profile", ["", "RFC9068", "toString", ["rfc9068"], 1, null]],
    ["tokenTypes", [[], "at+jwt", [""], [1], [undefined], null]],
    ["clockTolerance", [-1, 300.5, 301, Number.NaN, Number.POSITIVE_INFINITY, "5", null, true]],
    ["maxTokenAge", [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "300", null, true]],
    [
      "verifiedTokens",
      [0, -0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001, 1e9, "5", "", true, null, [5], {}, 5n],
    ],
    ["fetch", ["fetch", {}, null, true]],
    ["clock", [0, new Date(0), null, "now"]],
  ])("%s is rejected if it is ill-typed", (name, values) => {
    for (const value of values) expectRejection({ issuer, audience, [name]: value }, `"${name}"`);
  });

  test.each<[string, readonly unknown[]]>([
    ["audience", [audience, [audience], [audience, "urn:other"], null]],
    ["algorithms", [["ES256"], ["PS256", "EdDSA", "Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]]],
    ["tokenTypes", [["at+jwt"], [null], ["JWT", null, "application/at+jwt"]]],
    ["clockTolerance", [0, 0.5, 300]],
    ["maxTokenAge", [1, 300, 86_400]],
    ["verifiedTokens", [1, 10_000, 1_000_000, false]],
    ["fetch", [fetch, async () => new Response()]],
    ["clock", [Date.now, () => 0]],
  ])("%s is accepted if it is well-typed", (name, values) => {
    for (const value of values) expect(() => parse({ [name]: value })).not.toThrow();
  });
});

test("verifiedTokens: false disables the cache", () => {
  expect(parse({ verifiedTokens: false }).verifiedTokens).toBe(0);
  expect(parse({ verifiedTokens: undefined }).verifiedTokens).toBe(10_000);
});

describe("the issuer", () => {
  test("is required", () => {
    expectRejection({ audience }, '"issuer"');
    expectRejection({ audience, jwks }, '"issuer"');
    expectRejection({ audience, issuer: undefined }, '"issuer"');
  });

  test.each(["https://as.example", "https://as.example/", "https://AS.example/tenant", "https://as.example:443"])(
    "%s is kept character by character (I-01)",
    (text) => {
      expect(only(parse({ issuer: text }))?.issuer).toBe(text);
    },
  );

  test.each([
    "http://as.example",
    "as.example",
    "urn:as",
    "https://as.example?a=b",
    "https://as.example#a",
    "https://",
  ])("%s requires jwks, because it has no trustworthy metadata", (text) => {
    expectRejection({ issuer: text, audience }, '"issuer"');
    expect(only(parse({ issuer: text, jwks }))?.issuer).toBe(text);
  });

  test("may be http on a loopback address", () => {
    expect(only(parse({ issuer: "http://localhost:3000" }))?.keys.kind).toBe("discovery");
  });
});

describe("the audience", () => {
  test("is required", () => {
    expectRejection({ issuer }, '"audience"');
    expectRejection({ issuer, audience: undefined }, '"audience"');
  });

  test.each([
    ["a string", audience, [audience]],
    ["a list", [audience, "urn:other"], [audience, "urn:other"]],
    ["null, which skips the check", null, null],
  ])("may be %s", (_, given, expected) => {
    expect(only(parse({ audience: given }))?.audience).toEqual(expected);
  });

  test("is copied, so that later changes have no effect", () => {
    const audiences = [audience];
    const configuration = parse({ audience: audiences });
    audiences.push("urn:evil");
    expect(only(configuration)?.audience).toEqual([audience]);
  });
});

describe("the algorithms", () => {
  const symmetric = ["HS256", "HS384", "HS512", "none"];

  test("are all asymmetric ones by default", () => {
    const { algorithms = new Set<string>() } = only(parse()) ?? {};
    const asymmetric = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
    const others = ["EdDSA", "Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];
    expect([...algorithms].toSorted()).toEqual([...asymmetric, ...others].toSorted());
    expect(symmetric.filter((name) => algorithms.has(name))).toEqual([]);
  });

  test("are copied from the option", () => {
    const given = ["ES256", "PS256"];
    const configuration = parse({ algorithms: given });
    given.push("RS256");
    expect([...(only(configuration)?.algorithms ?? [])]).toEqual(["ES256", "PS256"]);
  });

  test.each(symmetric)("are never %s (C-01, C-02)", (name) => {
    expectRejection({ issuer, audience, algorithms: ["ES256", name] }, '"algorithms"');
  });
});

describe("the keys", () => {
  test("may be a set, which is copied", () => {
    const given = structuredClone(jwks);
    const configuration = parse({ jwks: given });
    given.keys.pop();
    expect(only(configuration)?.keys).toEqual({ kind: "set", jwks });
  });

  test.each(["https://as.example/keys", "http://127.0.0.1:3000/keys", "http://localhost/keys", "http://[::1]/keys"])(
    "may be at the URL %s",
    (url) => {
      const expected = { kind: "url", url: new URL(url) };
      expect(only(parse({ jwks: url }))?.keys).toEqual(expected);
      expect(only(parse({ jwks: new URL(url) }))?.keys).toEqual(expected);
    },
  );

  test("are at a copy of the URL, so that later changes have no effect", () => {
    const url = new URL("https://as.example/keys");
    const configuration = parse({ jwks: url });
    url.hostname = "evil.example";
    expect(only(configuration)?.keys).toEqual({ kind: "url", url: new URL("https://as.example/keys") });
  });

  test.each([
    ["a URL without TLS (N-09)", "http://as.example/keys"],
    ["a URL object without TLS", new URL("http://as.example/keys")],
    ["a host that only looks like localhost", "http://localhost.evil.example/keys"],
    ["a path", "/keys"],
    ["a file", "file:///etc/jwks.json"],
    ["an empty string", ""],
    ["a set in a JSON string", JSON.stringify(jwks)],
    ["an empty set", { keys: [] }],
    ["a set without keys", {}],
    ["a list of keys", jwks.keys],
    ["a set whose keys are not a list", { keys: jwks.keys[0] }],
    ["a set with a string among the keys", { keys: [jwks.keys[0], "key"] }],
    ["a set with null", { keys: [null] }],
    ["null", null],
  ])("are rejected as %s", (_, given) => {
    expectRejection({ issuer, audience, jwks: given }, '"jwks"');
  });
});

describe("the token types", () => {
  test("are normalised to lower case without prefix", () => {
    const { tokenTypes } = parse({ tokenTypes: ["AT+JWT", "application/JWT", null] });
    expect([...(tokenTypes ?? [])]).toEqual(["at+jwt", "jwt", null]);
  });
});

describe("several issuers", () => {
  const one = { issuer: "https://one.example", audience: "urn:one" };
  const two = { issuer: "https://two.example", jwks, algorithms: ["ES256"] };

  test("have separate settings, and inherit audience and algorithms", () => {
    const { issuers } = parseVerifierOptions({
      issuer: [one, two] as readonly IssuerOptions[],
      audience,
      algorithms: ["PS256"],
    });
    expect(issuers).toEqual([
      {
        issuer: one.issuer,
        audience: ["urn:one"],
        algorithms: new Set(["PS256"]),
        keys: { kind: "discovery", issuer: one.issuer },
      },
      { issuer: two.issuer, audience: [audience], algorithms: new Set(["ES256"]), keys: { kind: "set", jwks } },
    ]);
  });

  test("may be a list of one", () => {
    expect(only(parseVerifierOptions({ issuer: [one] }))?.audience).toEqual(["urn:one"]);
  });

  test("each require an identifier", () => {
    expect(() => parseVerifierOptions({ issuer: [{ ...one, jwks }] })).not.toThrow();
    const unnamed = { audience: one.audience, jwks };
    expectRejection({ issuer: [unnamed] }, '"issuer"');
  });

  test("can skip the audience check individually", () => {
    const issuers = [{ ...one, audience: null }, { issuer: two.issuer }];
    expect(parse({ issuer: issuers }).issuers.map((entry) => entry.audience)).toEqual([null, [audience]]);
  });

  test("treat an undefined setting as not given", () => {
    const [first] = parse({ issuer: [{ issuer, audience: undefined, algorithms: undefined }] }).issuers;
    expect(first).toEqual(only(parse()));
  });

  test.each<[string, object, string]>([
    ["keys for all issuers", { issuer: [one], jwks }, '"jwks"'],
    ["the URL of keys for all issuers", { issuer: [one], jwks: "https://as.example/keys" }, '"jwks"'],
    ["an issuer that is a string", { issuer: ["https://one.example"], audience }, "issuer"],
    ["an issuer without an identifier", { issuer: [one, { audience }] }, '"issuer"'],
    ["an issuer without an audience", { issuer: [one, { issuer: two.issuer }] }, '"audience"'],
    ["an issuer with an ill-typed setting", { issuer: [{ ...one, algorithms: ["HS256"] }] }, '"algorithms"'],
    ["an issuer with keys at a URL without TLS", { issuer: [{ ...one, jwks: "http://as.example/keys" }] }, '"jwks"'],
    ["an issuer with an unknown setting", { issuer: [{ ...one, tenant: "a" }] }, '"tenant"'],
    ["an issuer with a setting of the verifier", { issuer: [{ ...one, clockTolerance: 5 }] }, '"clockTolerance"'],
    ["an issuer that cannot be discovered", { issuer: [{ ...one, issuer: "http://one.example" }] }, '"issuer"'],
    ["the same issuer twice", { issuer: [one, { ...one, audience: null }] }, '"issuer"'],
    ["null in the list", { issuer: [one, null] }, "issuer"],
  ])("are rejected with %s", (_, options, name) => {
    expectRejection(options, name);
  });
});

describe("the environment", () => {
  function setEnvironment(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  }

  const complete = {
    CERTBOUND_ISSUER: "https://env.example",
    CERTBOUND_AUDIENCE: "urn:env",
    CERTBOUND_JWKS_URI: "https://env.example/keys",
  };

  test("completes options without issuer and keys", () => {
    setEnvironment(complete);
    expect(only(parseVerifierOptions({}))).toMatchObject({
      issuer: "https://env.example",
      audience: ["urn:env"],
      keys: { kind: "url", url: new URL("https://env.example/keys") },
    });
  });

  test("completes options whose issuer and keys are undefined", () => {
    setEnvironment(complete);
    expect(only(parseVerifierOptions({ issuer: undefined, jwks: undefined }))?.issuer).toBe("https://env.example");
  });

  test("is ignored if the options have an issuer", () => {
    setEnvironment(complete);
    expect(only(parse())).toMatchObject({ issuer, audience: [audience], keys: { kind: "discovery" } });
    expectRejection({ issuer }, '"audience"');
  });

  test("is ignored if the options have keys", () => {
    setEnvironment(complete);
    expectRejection({ jwks, audience }, '"issuer"');
  });

  test("is ignored if the options have several issuers", () => {
    setEnvironment(complete);
    expectRejection({ issuer: [{ issuer }] }, '"audience"');
    expect(parse({ issuer: [{ issuer }] }).issuers).toMatchObject([{ issuer, keys: { kind: "discovery" } }]);
  });

  test.each([
    ["a string", audience, [audience]],
    ["null", null, null],
  ])("does not replace an audience in the options: %s", (_, given, expected) => {
    setEnvironment(complete);
    expect(only(parseVerifierOptions({ audience: given }))?.audience).toEqual(expected);
  });

  test("does not replace the other options", () => {
    setEnvironment(complete);
    const { issuers, clockTolerance } = parseVerifierOptions({ algorithms: ["ES256"], clockTolerance: 0 });
    expect([...(issuers[0]?.algorithms ?? [])]).toEqual(["ES256"]);
    expect(clockTolerance).toBe(0);
  });

  test("contains a comma-separated list of audiences", () => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: "urn:a,urn:b" });
    expect(only(parseVerifierOptions({}))?.audience).toEqual(["urn:a", "urn:b"]);
  });

  test("can contain white space around audiences", () => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: " urn:a, urn:b " });
    expect(only(parseVerifierOptions({}))?.audience).toEqual(["urn:a", "urn:b"]);
  });

  test.each([",", "urn:a,", ",urn:a", "urn:a,,urn:b"])("is rejected with an empty audience: %j", (list) => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: list });
    expectRejection({}, "CERTBOUND_AUDIENCE");
  });

  test("leads to discovery of the keys if CERTBOUND_JWKS_URI is empty", () => {
    setEnvironment({ ...complete, CERTBOUND_JWKS_URI: "" });
    expect(only(parseVerifierOptions({}))?.keys).toEqual({ kind: "discovery", issuer: "https://env.example" });
  });

  test.each([
    ["CERTBOUND_ISSUER", '"issuer"'],
    ["CERTBOUND_AUDIENCE", '"audience"'],
  ])("treats an empty %s as not set", (name, option) => {
    setEnvironment({ ...complete, [name]: "" });
    expectRejection({}, option);
  });

  test.each(["http://env.example/keys", "/keys", "env.example"])("is rejected with keys at %s", (url) => {
    setEnvironment({ ...complete, CERTBOUND_JWKS_URI: url });
    expectRejection({}, "CERTBOUND_JWKS_URI");
  });

  test("is required if the options are empty", () => {
    expectRejection({}, "CERTBOUND_ISSUER");
  });

  test("is not required if the options are complete", () => {
    expect(parse()).toMatchObject({ issuers: [{ issuer }] });
  });

  test("cannot skip the audience check", () => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: "null" });
    expect(only(parseVerifierOptions({}))?.audience).toEqual(["null"]);
  });
});
