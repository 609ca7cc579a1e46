import { describe, expect, test } from "vitest";
import type { IssuerOptions } from "../../src/options/configuration.ts";
import { createIssuers, type Issuers } from "../../src/issuer/issuers.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";

const introspection = { clientId: "api", clientSecret: "secret" };
const plain = { issuer: "https://jwts.example" };
const opaque = { issuer: "https://opaque.example", introspection };
const always = {
  issuer: "https://always.example",
  introspection: { ...introspection, opaqueTokens: false, always: true },
};

function issuersOf(...issuer: readonly IssuerOptions[]): Issuers {
  return createIssuers(parseVerifierOptions({ issuer, audience: "https://api.example" }));
}

describe("the configured issuers", () => {
  const issuers = issuersOf(plain, opaque, always);

  test("are found by their identifiers", () => {
    for (const { issuer } of [plain, opaque, always]) {
      expect(issuers.named(issuer)).toMatchObject({ configuration: { issuer }, keys: { find: expect.any(Function) } });
    }
  });

  test.each([
    `${plain.issuer}/`,
    plain.issuer.toUpperCase(),
    ` ${plain.issuer}`,
    "https://evil.example",
    "",
    undefined,
    null,
    0,
    [plain.issuer],
    new URL(plain.issuer),
    "constructor",
    "__proto__",
  ])("do not match %j, because iss is compared character by character", (name) => {
    expect(issuers.named(name)).toBeUndefined();
  });

  test("have an introspector only if introspection is configured", () => {
    expect(issuers.named(plain.issuer)?.introspector).toBeUndefined();
    for (const { issuer } of [opaque, always]) expect(issuers.named(issuer)?.introspector).toBeDefined();
  });
});

describe("the issuer of opaque tokens", () => {
  test("is the issuer that introspects them, at any position in the list", () => {
    for (const configured of [[opaque], [opaque, plain, always], [always, opaque], [plain, always, opaque]]) {
      const issuers = issuersOf(...configured);
      expect(issuers.opaqueTokenIssuer?.issuer.issuer).toBe(opaque.issuer);
      expect(issuers.opaqueTokenIssuer?.introspector).toBe(issuers.named(opaque.issuer)?.introspector);
    }
  });

  test("is undefined without introspection, or with introspection of JWTs only", () => {
    expect(issuersOf(plain).opaqueTokenIssuer).toBeUndefined();
    expect(issuersOf(plain, always).opaqueTokenIssuer).toBeUndefined();
  });

  test("can introspect JWTs as well", () => {
    const both = { issuer: opaque.issuer, introspection: { ...introspection, always: true } };
    expect(issuersOf(both, plain).opaqueTokenIssuer?.issuer).toMatchObject({
      issuer: both.issuer,
      introspection: { always: true },
    });
  });
});
