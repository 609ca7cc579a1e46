import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createVerifier } from "../../src/verifier.ts";

const issuer = "https://as.example";
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const client = { clientId: "api", clientSecret: "secret" };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Creates a verifier. Accepts types that do not compile. */
function configure(options: object): unknown {
  return createVerifier({ audience: null, ...options });
}

/** Expects a TypeError of this library that names the option and does not contain the value. */
function expectRejection(check: () => unknown, name: string, secrets: readonly string[]): void {
  let error: unknown;
  try {
    check();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(TypeError);
  const { message, cause } = error as TypeError;
  expect(message).toMatch(/^certbound: /);
  expect(message).toContain(name);
  expect(cause).toBeUndefined();
  const everything = inspect(error, { depth: 9, showHidden: true });
  for (const secret of secrets) expect(everything).not.toContain(secret);
}

const parsable = [
  "https://MARKER:SECRET@host.example/",
  "https://MARKER@host.example",
  "https://:SECRET@host.example/path",
  "http://MARKER:SECRET@127.0.0.1:3000/",
  "https:MARKER:SECRET@host.example",
];
const unparsable = [
  "https://MARKER:SECRET@",
  "https://MARKER:SECRET@host.example:99999/",
  "https://MARKER:SEC/RET@host.example/",
  "//MARKER:SECRET@host.example",
];
const secrets = ["MARKER", "SECRET", "RET@", "host.example"];
const urls = [...parsable, ...unparsable];

describe("a URL with credentials is rejected without quoting it", () => {
  test.each(urls)("as the issuer %j", (url) => {
    expectRejection(() => configure({ issuer: url }), '"issuer"', secrets);
    expectRejection(() => configure({ issuer: url, jwks: { keys: [key] } }), '"issuer"', secrets);
    expect(() => configure({ issuer: "https://as.example/MARKER@" })).not.toThrow();
  });

  test.each(urls)("as one of several issuers %j", (url) => {
    expectRejection(() => configure({ issuer: [{ issuer }, { issuer: url }] }), '"issuer"', secrets);
    expectRejection(() => configure({ issuer: [{ issuer: url, jwks: { keys: [key] } }] }), '"issuer"', secrets);
    expect(() => configure({ issuer: [{ issuer }, { issuer: `${issuer}/MARKER@` }] })).not.toThrow();
  });

  test.each(urls)("as the key set %j", (url) => {
    expectRejection(() => configure({ issuer, jwks: url }), '"jwks"', secrets);
    expectRejection(() => configure({ issuer: [{ issuer, jwks: url }] }), '"jwks"', secrets);
    expect(() => configure({ issuer, jwks: `${issuer}/MARKER@` })).not.toThrow();
  });

  test.each(parsable)("as the URL object of the key set %j", (url) => {
    expectRejection(() => configure({ issuer, jwks: new URL(url) }), '"jwks"', secrets);
    expectRejection(() => configure({ issuer: [{ issuer, jwks: new URL(url) }] }), '"jwks"', secrets);
    expect(() => configure({ issuer, jwks: new URL(`${issuer}/MARKER@`) })).not.toThrow();
  });

  test.each(urls)("as the introspection endpoint %j", (endpoint) => {
    const introspection = { ...client, endpoint };
    expectRejection(() => configure({ issuer, introspection }), '"endpoint"', secrets);
    expectRejection(() => configure({ issuer: [{ issuer, introspection }] }), '"endpoint"', secrets);
    const plain = { ...client, endpoint: `${issuer}/MARKER@` };
    expect(() => configure({ issuer, introspection: plain })).not.toThrow();
  });

  test.each(parsable)("as the URL object of the introspection endpoint %j", (url) => {
    const introspection = { ...client, endpoint: new URL(url) };
    expectRejection(() => configure({ issuer, introspection }), '"endpoint"', secrets);
  });

  test.each(urls)("as CERTBOUND_ISSUER %j", (url) => {
    vi.stubEnv("CERTBOUND_JWKS_URI", undefined);
    vi.stubEnv("CERTBOUND_ISSUER", url);
    expectRejection(() => configure({}), "CERTBOUND_ISSUER", secrets);
    vi.stubEnv("CERTBOUND_JWKS_URI", `${issuer}/jwks`);
    expectRejection(() => configure({}), "CERTBOUND_ISSUER", secrets);
    vi.stubEnv("CERTBOUND_ISSUER", `${issuer}/MARKER@`);
    expect(() => configure({})).not.toThrow();
  });

  test.each(urls)("as CERTBOUND_JWKS_URI %j", (url) => {
    vi.stubEnv("CERTBOUND_ISSUER", issuer);
    vi.stubEnv("CERTBOUND_JWKS_URI", url);
    expectRejection(() => configure({}), "CERTBOUND_JWKS_URI", secrets);
    vi.stubEnv("CERTBOUND_JWKS_URI", `${issuer}/MARKER@`);
    expect(() => configure({})).not.toThrow();
  });
});

describe("a list of keys is rejected without quoting it", () => {
  const circular: Record<string, unknown> = { ...key, kid: "MARKER" };
  circular["MARKER"] = circular;

  test.each<[string, readonly unknown[]]>([
    ["with a hole before a key", Object.assign([], { 1: key })],
    ["with a hole after a key", Object.assign([key], { length: 2 })],
    ["with only holes", Object.assign([], { length: 3 })],
    ["with undefined", [key, undefined]],
    ["with null", [key, null]],
    ["with a number", [key, 5]],
    ["with a string", [key, "MARKER"]],
    ["with a function", [key, () => "MARKER"]],
    ["with a list", [key, ["MARKER"]]],
    ["with a date, which is a string in JSON", [key, new Date()]],
    ["with an object that is null in JSON", [key, { toJSON: () => null }]],
    ["with an object that cannot be serialized", [key, { toJSON: throwing }]],
    ["with a bigint", [{ ...key, MARKER: 5n }]],
    ["with a circular reference", [circular]],
  ])("%s", (_name, keys) => {
    expectRejection(() => configure({ issuer, jwks: { keys } }), '"jwks"', ["MARKER"]);
    expectRejection(() => configure({ issuer: [{ issuer, jwks: { keys } }] }), '"jwks"', ["MARKER"]);
    expect(() => configure({ issuer, jwks: { keys: [{ kid: "MARKER" }, key] } })).not.toThrow();
  });

  test("if toJSON of its key set does not return a key set", () => {
    const jwks = (toJSON: () => unknown) => ({ keys: [key], toJSON });
    expectRejection(() => configure({ issuer, jwks: jwks(() => undefined) }), '"jwks"', []);
    expectRejection(() => configure({ issuer, jwks: jwks(() => ["MARKER"]) }), '"jwks"', ["MARKER"]);
    expect(() => configure({ issuer, jwks: jwks(() => ({ keys: [key] })) })).not.toThrow();
  });
});

function throwing(): never {
  throw new Error("MARKER");
}
