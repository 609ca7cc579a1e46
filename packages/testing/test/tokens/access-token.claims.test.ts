import { describe, expect, test } from "vitest";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";
import { tokenClaims, type TokenClaimsOptions } from "../../src/tokens/access-token.ts";

const now = Date.UTC(2026, 0, 15);
const seconds = now / 1000;

function claimsOf(options: TokenClaimsOptions) {
  return tokenClaims(options, {
    issuer: "https://issuer.example",
    audience: "https://api.example.com",
    now: now + 999,
  });
}

describe("tokenClaims", () => {
  test("binds a token to an identity", async () => {
    const identity = await createSelfSignedCertificate();
    expect(claimsOf({ boundTo: identity })).toMatchObject({ cnf: { "x5t#S256": identity.thumbprint } });
  });

  test("binds a token to any string", () => {
    expect(claimsOf({ boundTo: "no thumbprint" })).toMatchObject({ cnf: { "x5t#S256": "no thumbprint" } });
  });

  test("does not bind a token by default", () => {
    expect(claimsOf({})).not.toHaveProperty("cnf");
  });

  test("merges claims over the defaults", () => {
    const claims = claimsOf({ boundTo: "one", claims: { sub: "x", cnf: "other" } });
    expect(claims).toMatchObject({ sub: "x", cnf: "other", scope: "read" });
  });

  test("sets iat and exp of a token with a given lifetime", () => {
    expect(claimsOf({ expiresIn: 60 })).toMatchObject({ iat: seconds, exp: seconds + 60 });
  });

  test("sets iat and exp of an expired token", () => {
    expect(claimsOf({ expiresIn: -1 })).toMatchObject({ iat: seconds - 301, exp: seconds - 1 });
  });

  test("sets a different jti for each token", () => {
    expect(claimsOf({})).not.toMatchObject({ jti: (claimsOf({}) as { jti: string }).jti });
  });

  test.each([Number.NaN, Infinity])("rejects a lifetime of %s seconds", (expiresIn) => {
    expect(() => claimsOf({ expiresIn })).toThrow(TypeError);
  });
});
