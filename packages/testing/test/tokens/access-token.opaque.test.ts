import { expect, test } from "vitest";
import { issueOpaqueToken, type OpaqueTokenOptions, tokenClaims } from "../../src/tokens/access-token.ts";

const context = { issuer: "https://issuer.example", audience: "https://api.example.com", now: 5_000 };

test("creates a token of 32 random bytes", () => {
  const [one, other] = [issueOpaqueToken({}, context), issueOpaqueToken({}, context)];
  expect(Buffer.from(one.token, "base64url")).toHaveLength(32);
  expect(one.token).toMatch(/^[\w-]{43}$/);
  expect(one.token).not.toBe(other.token);
});

test("has the claims of a JWT access token", () => {
  const options = { boundTo: "thumbprint", expiresIn: 60, claims: { sub: "x", jti: "1" } };
  expect(issueOpaqueToken(options, context).claims).toEqual(tokenClaims(options, context));
});

test.each([{ algorithm: "ES256" }, { header: {} }, { expiresIn: Number.NaN }, { bound: "x" }])(
  "rejects %j",
  (options) => {
    expect(() => issueOpaqueToken(options as OpaqueTokenOptions, context)).toThrow(TypeError);
  },
);
