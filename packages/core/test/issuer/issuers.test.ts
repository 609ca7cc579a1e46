import { describe, expect, test } from "vitest";
import type { IssuerOptions } from "../../src/options/configuration.ts";
import { createIssuers, type Issuers } from "../../src/issuer/issuers.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";

const asking = { clientId: "api", clientSecret: "secret" };
const plain = { issuer: "https://jwts.example" };
const opaque = { issuer: "https://opaque.example", introspection: asking };
const always = { issuer: "https://always.example", introspection: { ...asking, opaqueTokens: false, always: true } };

function issuersOf(...issuer: readonly IssuerOptions[]): Issuers {
  return createIssuers(parseVerifierOptions({ issuer, audience: "https://api.example" }));
}

describe("the issuer that a token names", () => {
  const issuers = issuersOf(plain, opaque, always);

  test("is one of the configured ones, with what its tokens are verified by", () => {
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
  ])("is none for %j, compared character by character", (name) => {
    expect(issuers.named(name)).toBeUndefined();
  });

  test("is asked about tokens only where that is configured", () => {
    expect(issuers.named(plain.issuer)?.introspector).toBeUndefined();
    for (const { issuer } of [opaque, always]) expect(issuers.named(issuer)?.introspector).toBeDefined();
  });
});

describe("the issuer of opaque tokens", () => {
  test("is the one that is asked about them, wherever it stands", () => {
    for (const configured of [[opaque], [opaque, plain, always], [always, opaque], [plain, always, opaque]]) {
      const issuers = issuersOf(...configured);
      expect(issuers.opaqueTokenIssuer?.issuer.issuer).toBe(opaque.issuer);
      expect(issuers.opaqueTokenIssuer?.introspector).toBe(issuers.named(opaque.issuer)?.introspector);
    }
  });

  test("is none where nobody is asked, or about JWTs only", () => {
    expect(issuersOf(plain).opaqueTokenIssuer).toBeUndefined();
    expect(issuersOf(plain, always).opaqueTokenIssuer).toBeUndefined();
  });

  test("may be asked about JWTs as well", () => {
    const both = { issuer: opaque.issuer, introspection: { ...asking, always: true } };
    expect(issuersOf(both, plain).opaqueTokenIssuer?.issuer).toMatchObject({
      issuer: both.issuer,
      introspection: { always: true },
    });
  });
});
