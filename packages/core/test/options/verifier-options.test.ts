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

/** Parses options that lack nothing but what is given; also of types that do not compile. */
function parse(options: object = {}): VerifierConfiguration {
  return parseVerifierOptions({ issuer, audience, ...options });
}

/** Expects options to be rejected by a TypeError that names one of them. */
function expectRejection(options: unknown, name: string): void {
  expect(() => parseVerifierOptions(options as VerifierOptions)).toThrow(TypeError);
  expect(() => parseVerifierOptions(options as VerifierOptions)).toThrow(name);
}

/** The configuration of the only issuer. */
function only({ issuers }: VerifierConfiguration): VerifierConfiguration["issuers"][number] | undefined {
  expect(issuers).toHaveLength(1);
  return issuers[0];
}

describe("parseVerifierOptions", () => {
  test("fills in the defaults", () => {
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

  test("keeps what was given", () => {
    const given = {
      clockTolerance: 0,
      maxTokenAge: 300,
      verifiedTokens: 7,
      fetch: async () => new Response(),
      clock: () => 0,
    };
    expect(parse(given)).toMatchObject(given);
  });

  test("takes undefined for not given", () => {
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
    ["in another letter case", { Audience: audience }, '"Audience"'],
    ["unknown, though it is undefined", { clockTolerence: undefined }, '"clockTolerence"'],
    ["of every object", { constructor: Object }, '"constructor"'],
    ["of a route, not of a verifier", { validateCertificateBinding: true }, '"validateCertificateBinding"'],
  ])("rejects an option that is %s", (_, options, name) => {
    expectRejection({ issuer, audience, ...options }, name);
  });

  test.each([null, "https://as.example", 1, [{ issuer, audience }]])("rejects %j in place of options", (options) => {
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
  ])("%s is rejected when it is ill-typed", (name, values) => {
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
  ])("%s is accepted within its type", (name, values) => {
    for (const value of values) expect(() => parse({ [name]: value })).not.toThrow();
  });
});

test("verifiedTokens may be false, which caches none", () => {
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
  ])("%s publishes no metadata that could be trusted, and needs its keys given", (text) => {
    expectRejection({ issuer: text, audience }, '"issuer"');
    expect(only(parse({ issuer: text, jwks }))?.issuer).toBe(text);
  });

  test("may be http on this machine", () => {
    expect(only(parse({ issuer: "http://localhost:3000" }))?.keys.kind).toBe("discovery");
  });
});

describe("the audience", () => {
  test("is required", () => {
    expectRejection({ issuer }, '"audience"');
    expectRejection({ issuer, audience: undefined }, '"audience"');
  });

  test.each([
    ["a text", audience, [audience]],
    ["a list", [audience, "urn:other"], [audience, "urn:other"]],
    ["null, which skips the check", null, null],
  ])("may be %s", (_, given, expected) => {
    expect(only(parse({ audience: given }))?.audience).toEqual(expected);
  });

  test("is a copy, which later changes do not reach", () => {
    const audiences = [audience];
    const configuration = parse({ audience: audiences });
    audiences.push("urn:evil");
    expect(only(configuration)?.audience).toEqual([audience]);
  });
});

describe("the algorithms", () => {
  const symmetric = ["HS256", "HS384", "HS512", "none"];

  test("are by default the asymmetric ones", () => {
    const { algorithms = new Set<string>() } = only(parse()) ?? {};
    const asymmetric = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
    const others = ["EdDSA", "Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];
    expect([...algorithms].toSorted()).toEqual([...asymmetric, ...others].toSorted());
    expect(symmetric.filter((name) => algorithms.has(name))).toEqual([]);
  });

  test("are those that were given", () => {
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

  test("are at the URL as it was when it was given", () => {
    const url = new URL("https://as.example/keys");
    const configuration = parse({ jwks: url });
    url.hostname = "evil.example";
    expect(only(configuration)?.keys).toEqual({ kind: "url", url: new URL("https://as.example/keys") });
  });

  test.each([
    ["a URL without TLS (N-09)", "http://as.example/keys"],
    ["a URL object without TLS", new URL("http://as.example/keys")],
    ["a host that only looks like this machine", "http://localhost.evil.example/keys"],
    ["a path", "/keys"],
    ["a file", "file:///etc/jwks.json"],
    ["empty text", ""],
    ["the text of a set", JSON.stringify(jwks)],
    ["an empty set", { keys: [] }],
    ["a set without keys", {}],
    ["a list of keys", jwks.keys],
    ["a set whose keys are no list", { keys: jwks.keys[0] }],
    ["a set of something else than keys", { keys: [jwks.keys[0], "key"] }],
    ["a set with null in it", { keys: [null] }],
    ["null", null],
  ])("are rejected as %s", (_, given) => {
    expectRejection({ issuer, audience, jwks: given }, '"jwks"');
  });
});

describe("the token types", () => {
  test("are compared without regard to case and prefix", () => {
    const { tokenTypes } = parse({ tokenTypes: ["AT+JWT", "application/JWT", null] });
    expect([...(tokenTypes ?? [])]).toEqual(["at+jwt", "jwt", null]);
  });
});

describe("several issuers", () => {
  const one = { issuer: "https://one.example", audience: "urn:one" };
  const two = { issuer: "https://two.example", jwks, algorithms: ["ES256"] };

  test("have their own settings, and inherit audience and algorithms", () => {
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

  test("may be one", () => {
    expect(only(parseVerifierOptions({ issuer: [one] }))?.audience).toEqual(["urn:one"]);
  });

  test("must each be named, whatever else is said of them", () => {
    expect(() => parseVerifierOptions({ issuer: [{ ...one, jwks }] })).not.toThrow();
    const unnamed = { audience: one.audience, jwks };
    expectRejection({ issuer: [unnamed] }, '"issuer"');
  });

  test("may skip the audience each for itself", () => {
    const issuers = [{ ...one, audience: null }, { issuer: two.issuer }];
    expect(parse({ issuer: issuers }).issuers.map((entry) => entry.audience)).toEqual([null, [audience]]);
  });

  test("take an undefined setting of their own for not given", () => {
    const [first] = parse({ issuer: [{ issuer, audience: undefined, algorithms: undefined }] }).issuers;
    expect(first).toEqual(only(parse()));
  });

  test.each<[string, object, string]>([
    ["keys for all of them", { issuer: [one], jwks }, '"jwks"'],
    ["the URL of keys for all of them", { issuer: [one], jwks: "https://as.example/keys" }, '"jwks"'],
    ["one that is a text", { issuer: ["https://one.example"], audience }, "issuer"],
    ["one without a name", { issuer: [one, { audience }] }, '"issuer"'],
    ["one without an audience", { issuer: [one, { issuer: two.issuer }] }, '"audience"'],
    ["one with an ill-typed setting", { issuer: [{ ...one, algorithms: ["HS256"] }] }, '"algorithms"'],
    ["one with keys without TLS", { issuer: [{ ...one, jwks: "http://as.example/keys" }] }, '"jwks"'],
    ["one with an unknown setting", { issuer: [{ ...one, tenant: "a" }] }, '"tenant"'],
    ["one with a setting of the whole verifier", { issuer: [{ ...one, clockTolerance: 5 }] }, '"clockTolerance"'],
    ["one that cannot be discovered", { issuer: [{ ...one, issuer: "http://one.example" }] }, '"issuer"'],
    ["two of one name", { issuer: [one, { ...one, audience: null }] }, '"issuer"'],
    ["null among them", { issuer: [one, null] }, "issuer"],
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

  test("fills options that name neither issuer nor keys", () => {
    setEnvironment(complete);
    expect(only(parseVerifierOptions({}))).toMatchObject({
      issuer: "https://env.example",
      audience: ["urn:env"],
      keys: { kind: "url", url: new URL("https://env.example/keys") },
    });
  });

  test("fills them when issuer and keys are undefined", () => {
    setEnvironment(complete);
    expect(only(parseVerifierOptions({ issuer: undefined, jwks: undefined }))?.issuer).toBe("https://env.example");
  });

  test("fills nothing of options that name an issuer", () => {
    setEnvironment(complete);
    expect(only(parse())).toMatchObject({ issuer, audience: [audience], keys: { kind: "discovery" } });
    expectRejection({ issuer }, '"audience"');
  });

  test("fills nothing of options that name keys", () => {
    setEnvironment(complete);
    expectRejection({ jwks, audience }, '"issuer"');
  });

  test("fills nothing of options that name several issuers", () => {
    setEnvironment(complete);
    expectRejection({ issuer: [{ issuer }] }, '"audience"');
    expect(parse({ issuer: [{ issuer }] }).issuers).toMatchObject([{ issuer, keys: { kind: "discovery" } }]);
  });

  test.each([
    ["a text", audience, [audience]],
    ["null", null, null],
  ])("does not replace an audience that code gives as %s", (_, given, expected) => {
    setEnvironment(complete);
    expect(only(parseVerifierOptions({ audience: given }))?.audience).toEqual(expected);
  });

  test("does not replace the other options", () => {
    setEnvironment(complete);
    const { issuers, clockTolerance } = parseVerifierOptions({ algorithms: ["ES256"], clockTolerance: 0 });
    expect([...(issuers[0]?.algorithms ?? [])]).toEqual(["ES256"]);
    expect(clockTolerance).toBe(0);
  });

  test("separates audiences by commas", () => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: "urn:a,urn:b" });
    expect(only(parseVerifierOptions({}))?.audience).toEqual(["urn:a", "urn:b"]);
  });

  test("takes blanks around audiences for none of theirs", () => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: " urn:a, urn:b " });
    expect(only(parseVerifierOptions({}))?.audience).toEqual(["urn:a", "urn:b"]);
  });

  test.each([",", "urn:a,", ",urn:a", "urn:a,,urn:b"])("is rejected with an empty item among audiences: %j", (list) => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: list });
    expectRejection({}, "CERTBOUND_AUDIENCE");
  });

  test("finds keys by discovery when CERTBOUND_JWKS_URI is empty", () => {
    setEnvironment({ ...complete, CERTBOUND_JWKS_URI: "" });
    expect(only(parseVerifierOptions({}))?.keys).toEqual({ kind: "discovery", issuer: "https://env.example" });
  });

  test.each([
    ["CERTBOUND_ISSUER", '"issuer"'],
    ["CERTBOUND_AUDIENCE", '"audience"'],
  ])("takes an empty %s for unset", (name, option) => {
    setEnvironment({ ...complete, [name]: "" });
    expectRejection({}, option);
  });

  test.each(["http://env.example/keys", "/keys", "env.example"])("is rejected with keys at %s", (url) => {
    setEnvironment({ ...complete, CERTBOUND_JWKS_URI: url });
    expectRejection({}, "CERTBOUND_JWKS_URI");
  });

  test("is required where nothing is given in code", () => {
    expectRejection({}, "CERTBOUND_ISSUER");
  });

  test("is not needed for what code gives", () => {
    expect(parse()).toMatchObject({ issuers: [{ issuer }] });
  });

  test("weakens nothing: no variable skips the audience", () => {
    setEnvironment({ ...complete, CERTBOUND_AUDIENCE: "null" });
    expect(only(parseVerifierOptions({}))?.audience).toEqual(["null"]);
  });
});
