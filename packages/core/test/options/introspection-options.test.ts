import { Keyv } from "keyv";
import { describe, expect, test } from "vitest";
import type { IntrospectionConfiguration } from "../../src/options/introspection-configuration.ts";
import { parseIntrospection } from "../../src/options/introspection-options.ts";

const client = { clientId: "api", clientSecret: "secret" };
const endpoint = "https://as.example/introspect";
const cache = new Map();
const cacheKey = "0123456789abcdef0123456789abcdef";

/** Parses options, completed to valid ones. Accepts types that do not compile. */
function parse(options: object = {}, discoverable = true): IntrospectionConfiguration {
  return parseIntrospection({ ...client, ...options }, { discoverable, fetchIsGiven: false });
}

/** Expects options to be rejected by a TypeError that names one of them. */
function expectRejection(options: object, name: string): void {
  expect(() => parse(options)).toThrow(TypeError);
  expect(() => parse(options)).toThrow(`option "${name}" in the introspection options`);
}

describe("parseIntrospection", () => {
  test("applies the defaults", () => {
    expect(parse()).toEqual({
      endpoint: undefined,
      clientId: "api",
      authentication: { method: "client_secret_basic", secret: "secret" },
      opaqueTokens: true,
      always: false,
      returnsConfirmation: false,
      signedResponse: false,
      tokenTypeHint: true,
      jwtsAsOpaque: false,
      cacheDuration: 30,
      cache: undefined,
    });
  });

  test("keeps the given values", () => {
    const given = {
      opaqueTokens: false,
      always: true,
      returnsConfirmation: true,
      signedResponse: true,
      tokenTypeHint: false,
    };
    const configuration = parse({ ...given, endpoint, cacheDuration: 5, cache, cacheKey });
    expect(configuration).toMatchObject({ ...given, clientId: "api", cacheDuration: 5 });
    expect(configuration.endpoint).toEqual(new URL(endpoint));
    expect(configuration.cache?.store).toBe(cache);
    expect(configuration.cache?.key).toBe(cacheKey);
  });

  test("treats undefined as not given", () => {
    const names = ["endpoint", "clientAuthentication", "clientKey", "clientTls", "opaqueTokens", "always"];
    names.push(
      "bearerToken",
      "jwtsAsOpaque",
      "tokenTypeHint",
      "returnsConfirmation",
      "signedResponse",
      "cacheDuration",
      "cache",
      "cacheKey",
    );
    expect(parse(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(parse());
  });

  test("freezes the configuration", () => {
    expect(Object.isFrozen(parse())).toBe(true);
  });

  test("copies the options, so that later changes have no effect", () => {
    const given = { ...client, endpoint: new URL(endpoint), cacheDuration: 5 };
    const configuration = parseIntrospection(given, { discoverable: true, fetchIsGiven: false });
    Object.assign(given, { clientId: "evil", clientSecret: "evil", cacheDuration: 3600 });
    given.endpoint.hostname = "evil.example";
    expect(configuration).toEqual(parse({ endpoint, cacheDuration: 5 }));
  });

  test.each([
    ["unknown", { timeout: 5 }, "timeout"],
    ["a parameter of the protocol", { client_secret: "secret" }, "client_secret"],
    ["in different case", { ClientId: "api" }, "ClientId"],
    ["unknown and undefined", { cacheTime: undefined }, "cacheTime"],
    ["a member of every object", { constructor: Object }, "constructor"],
    ["an option of the issuer", { audience: "https://api.example" }, "audience"],
  ])("rejects an option that is %s", (_, options, name) => {
    expect(() => parse(options)).toThrow(TypeError);
    expect(() => parse(options)).toThrow(`"${name}"`);
  });

  test.each([null, "api", 1, true, [client]])("rejects %j instead of options", (options) => {
    const context = { discoverable: true, fetchIsGiven: false };
    expect(() => parseIntrospection(options, context)).toThrow(TypeError);
    expect(() => parseIntrospection(options, context)).toThrow("the introspection options must be an object");
  });
});

const wrongFlags: readonly unknown[] = ["true", "", 0, 1, null, {}, []];

describe("the option", () => {
  test.each<[string, readonly unknown[]]>([
    [
      "endpoint",
      [
        "",
        "as.example/introspect",
        "/introspect",
        "http://as.example/introspect",
        "http://127.0.0.1.evil.example/",
        "ftp://as.example/introspect",
        "file:///introspect",
        "https://api@as.example/introspect",
        "https://:secret@as.example/introspect",
        new URL("http://as.example"),
        1,
        null,
        {},
        [endpoint],
        true,
      ],
    ],
    ["clientId", ["", 1, null, {}, ["api"], true]],
    [
      "clientAuthentication",
      [
        "",
        "NONE",
        "Bearer",
        "client_secret_jwt",
        "CLIENT_SECRET_BASIC",
        "basic",
        "toString",
        1,
        null,
        ["client_secret_basic"],
        true,
      ],
    ],
    ["clientSecret", ["", 1, null, {}, ["secret"], new Uint8Array(8), true]],
    ["opaqueTokens", wrongFlags],
    ["always", wrongFlags],
    ["signedResponse", wrongFlags],
    ["tokenTypeHint", wrongFlags],
    ["jwtsAsOpaque", wrongFlags],
    ["returnsConfirmation", [false, ...wrongFlags]],
    ["cacheDuration", [-1, 3600.5, 3601, Number.NaN, Number.POSITIVE_INFINITY, "30", null, true]],
    ["cache", [null, true, "redis://cache", {}, [], { get() {} }, { set() {} }, { get: "a", set: "b" }, new Set()]],
    ["cacheKey", ["", cacheKey.slice(1), 1, null, {}, new Uint8Array(32), true, Array.from(cacheKey)]],
  ])("%s is rejected if it is ill-typed", (name, values) => {
    for (const value of values) expectRejection({ cache, cacheKey, [name]: value }, name);
  });

  test.each<[string, readonly unknown[]]>([
    ["endpoint", [endpoint, new URL(endpoint), "http://127.0.0.1:3000/x", "http://localhost/", "http://[::1]/?a=b"]],
    ["clientId", ["a", "https://api.example/ü ?&="]],
    ["clientAuthentication", ["client_secret_basic", "client_secret_post"]],
    ["clientSecret", ["s", "ü ?&=:"]],
    ["opaqueTokens", [true]],
    ["always", [true, false]],
    ["signedResponse", [true, false]],
    ["returnsConfirmation", [true]],
    ["cacheDuration", [0.5, 30, 3600]],
    ["cache", [new Map(), new Keyv()]],
    ["cacheKey", [cacheKey, `${cacheKey}ü`]],
  ])("%s is accepted if it is well-typed", (name, values) => {
    for (const value of values) expect(() => parse({ cache, cacheKey, [name]: value })).not.toThrow();
  });

  test.each([undefined, "missing"])("clientId is required (%s)", (given) => {
    const options = given === undefined ? { ...client, clientId: given } : { clientSecret: "secret" };
    const context = { discoverable: true, fetchIsGiven: false };
    expect(() => parseIntrospection(options, context)).toThrow(TypeError);
    expect(() => parseIntrospection(options, context)).toThrow('"clientId"');
  });

  test("endpoint is required only without metadata", () => {
    expect(() => parse({}, false)).toThrow(TypeError);
    expect(() => parse({}, false)).toThrow('"endpoint"');
    expect(parse({ endpoint }, false).endpoint?.href).toBe(endpoint);
    expect(parse({}, true).endpoint).toBeUndefined();
  });

  test("jwtsAsOpaque requires opaqueTokens, and cannot be combined with always", () => {
    expectRejection({ jwtsAsOpaque: true, always: true }, "jwtsAsOpaque");
    expectRejection({ jwtsAsOpaque: true, opaqueTokens: false }, "jwtsAsOpaque");
    expectRejection({ jwtsAsOpaque: true, always: true, opaqueTokens: false }, "jwtsAsOpaque");
    expect(parse({ jwtsAsOpaque: true, always: false, opaqueTokens: true }).jwtsAsOpaque).toBe(true);
    expect(parse({ jwtsAsOpaque: false, always: true, opaqueTokens: false }).jwtsAsOpaque).toBe(false);
  });

  test("opaqueTokens can be false only with always", () => {
    expectRejection({ opaqueTokens: false }, "opaqueTokens");
    expectRejection({ opaqueTokens: false, always: false }, "opaqueTokens");
    expect(parse({ opaqueTokens: false, always: true })).toMatchObject({ opaqueTokens: false, always: true });
    expect(parse({ always: true })).toMatchObject({ opaqueTokens: true, always: true });
  });

  test("cacheDuration can be 0", () => {
    expect(parse({ cacheDuration: 0 }).cacheDuration).toBe(0);
  });
});

describe("the shared cache", () => {
  test("requires cacheKey", () => {
    expectRejection({ cache }, "cacheKey");
    expectRejection({ cache, cacheKey: undefined }, "cacheKey");
    expect(parse({ cache, cacheKey }).cache).toEqual({ store: cache, key: cacheKey });
  });

  test("is required with cacheKey", () => {
    expectRejection({ cacheKey }, "cacheKey");
  });

  test("cannot be combined with cacheDuration: 0", () => {
    expectRejection({ cache, cacheKey, cacheDuration: 0 }, "cache");
    expect(() => parse({ cache, cacheKey, cacheDuration: 1 })).not.toThrow();
  });
});
