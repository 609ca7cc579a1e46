import { inspect } from "node:util";
import { createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";

const { certificate: cert, key } = await createSelfSignedCertificate();
const MARKER = "MARKER";
const jwk = { kty: "EC", crv: "P-256", d: MARKER, x: MARKER, y: MARKER };
const cache = new Map();

function parse(options: object): unknown {
  const introspection = { clientId: "api", ...options };
  return parseVerifierOptions({ issuer: "https://as.example", audience: null, introspection });
}

function mistakeOf(options: object): unknown {
  try {
    parse(options);
  } catch (error) {
    return error;
  }
  throw new Error("there was no mistake");
}

describe("what is said of a mistake holds no secret", () => {
  test.each<[string, object]>([
    ["two secrets", { clientSecret: MARKER, clientKey: jwk }],
    ["a secret for the wrong method", { clientSecret: MARKER, clientAuthentication: "private_key_jwt" }],
    ["a secret in the place of a method", { clientSecret: "secret", clientAuthentication: MARKER }],
    ["a secret that is bytes", { clientSecret: Buffer.from(MARKER) }],
    ["a secret beside a mistake", { clientSecret: MARKER, cacheDuration: -1 }],
    ["a secret beside an unknown option", { clientSecret: MARKER, timeout: MARKER }],
    ["a secret in the endpoint", { clientSecret: "secret", endpoint: `https://api:${MARKER}@as.example/` }],
    ["a secret in an endpoint without https", { clientSecret: "secret", endpoint: `http://as.example/?${MARKER}` }],
    ["a key that is broken", { clientKey: jwk }],
    ["a key that names no algorithm", { clientKey: { kty: "RSA", n: MARKER, e: "AQAB", d: MARKER } }],
    ["a key that is symmetric", { clientKey: { kty: "oct", k: MARKER, alg: MARKER } }],
    ["a key that is text", { clientKey: `-----BEGIN PRIVATE KEY-----${MARKER}` }],
    ["a TLS key that is broken", { clientTls: { cert, key: `-----BEGIN PRIVATE KEY-----\n${MARKER}\n` } }],
    ["a passphrase that is wrong", { clientTls: { cert, key: `${MARKER}${key.slice(0, 60)}`, passphrase: MARKER } }],
    ["a passphrase that is bytes", { clientTls: { cert, key, passphrase: Buffer.from(MARKER) } }],
    ["a member of clientTls that is unknown", { clientTls: { cert, key, pfx: MARKER } }],
    ["a cacheKey that is short", { clientSecret: "secret", cache, cacheKey: MARKER }],
    ["a cacheKey without cache", { clientSecret: "secret", cacheKey: MARKER.repeat(8) }],
    ["a cacheKey of no use", { clientSecret: "secret", cache, cacheKey: MARKER.repeat(8), cacheDuration: 0 }],
    ["a store in the place of its key", { clientSecret: "secret", cache: MARKER, cacheKey: MARKER.repeat(8) }],
  ])("%s", (_name, options) => {
    const error = mistakeOf(options);
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(MARKER);
  });

  test("and there is one in all that is right", () => {
    const rest = { cache, cacheKey: MARKER.repeat(8) };
    expect(inspect(parse({ clientSecret: MARKER, ...rest }), { depth: 9 })).toContain(MARKER);
  });
});
