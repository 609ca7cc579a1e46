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

function errorOf(options: object): unknown {
  try {
    parse(options);
  } catch (error) {
    return error;
  }
  throw new Error("no error was thrown");
}

describe("an error of the introspection options does not contain the secret in", () => {
  test.each<[string, object]>([
    ["two secrets", { clientSecret: MARKER, clientKey: jwk }],
    ["a secret for the wrong method", { clientSecret: MARKER, clientAuthentication: "private_key_jwt" }],
    ["a secret instead of a method", { clientSecret: "secret", clientAuthentication: MARKER }],
    ["a secret as bytes", { clientSecret: Buffer.from(MARKER) }],
    ["a secret next to an invalid option", { clientSecret: MARKER, cacheDuration: -1 }],
    ["a secret next to an unknown option", { clientSecret: MARKER, timeout: MARKER }],
    ["a secret in the endpoint", { clientSecret: "secret", endpoint: `https://api:${MARKER}@as.example/` }],
    ["a secret in an endpoint without https", { clientSecret: "secret", endpoint: `http://as.example/?${MARKER}` }],
    ["a malformed key", { clientKey: jwk }],
    ["a key without alg", { clientKey: { kty: "RSA", n: MARKER, e: "AQAB", d: MARKER } }],
    ["a symmetric key", { clientKey: { kty: "oct", k: MARKER, alg: MARKER } }],
    ["a key in PEM", { clientKey: `-----BEGIN PRIVATE KEY-----${MARKER}` }],
    ["a malformed TLS key", { clientTls: { cert, key: `-----BEGIN PRIVATE KEY-----\n${MARKER}\n` } }],
    ["a wrong passphrase", { clientTls: { cert, key: `${MARKER}${key.slice(0, 60)}`, passphrase: MARKER } }],
    ["a passphrase as bytes", { clientTls: { cert, key, passphrase: Buffer.from(MARKER) } }],
    ["an unknown member of clientTls", { clientTls: { cert, key, pfx: MARKER } }],
    ["a short cacheKey", { clientSecret: "secret", cache, cacheKey: MARKER }],
    ["a cacheKey without cache", { clientSecret: "secret", cacheKey: MARKER.repeat(8) }],
    [
      "a cacheKey with cacheDuration: 0",
      { clientSecret: "secret", cache, cacheKey: MARKER.repeat(8), cacheDuration: 0 },
    ],
    ["a cacheKey next to an invalid cache", { clientSecret: "secret", cache: MARKER, cacheKey: MARKER.repeat(8) }],
  ])("%s", (_name, options) => {
    const error = errorOf(options);
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(MARKER);
  });

  test("the test itself: the marker is found in a valid configuration", () => {
    const rest = { cache, cacheKey: MARKER.repeat(8) };
    expect(inspect(parse({ clientSecret: MARKER, ...rest }), { depth: 9 })).toContain(MARKER);
  });
});
