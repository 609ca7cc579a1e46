import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { type AccessTokenOptions, issueAccessToken } from "../../src/tokens/access-token.ts";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";
import { generateSigningKey } from "../../src/tokens/signing-keys.ts";

const now = Date.UTC(2026, 0, 15);
const seconds = now / 1000;
const keys = [await generateSigningKey("ES256"), await generateSigningKey("EdDSA")];
const context = { issuer: "https://issuer.example", audience: "https://api.example.com", now: now + 999, keys };

function issue(options: AccessTokenOptions) {
  const token = issueAccessToken(options, context);
  return { claims: decodeJwt(token), header: decodeProtectedHeader(token) };
}

describe("issueAccessToken", () => {
  test("issues a token in the profile of RFC 9068 by default", () => {
    const { claims, header } = issue({});
    expect(header).toEqual({ alg: "ES256", kid: keys[0]?.kid, typ: "at+jwt" });
    expect(claims).toEqual({
      iss: "https://issuer.example",
      sub: "client-1",
      aud: "https://api.example.com",
      client_id: "client-1",
      iat: seconds,
      exp: seconds + 300,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      scope: "read",
    });
  });

  test("binds a token to an identity", async () => {
    const identity = await createSelfSignedCertificate();
    expect(issue({ boundTo: identity }).claims["cnf"]).toEqual({ "x5t#S256": identity.thumbprint });
  });

  test("merges claims and header members over the defaults", () => {
    const { claims, header } = issue({ claims: { sub: "x", nbf: 1 }, header: { typ: "JWT", x: 1 } });
    expect(claims).toMatchObject({ sub: "x", nbf: 1, scope: "read" });
    expect(header).toMatchObject({ alg: "ES256", typ: "JWT", x: 1 });
  });

  test("removes claims and header members that are undefined", () => {
    const { claims, header } = issue({ claims: { exp: undefined }, header: { kid: undefined, alg: undefined } });
    expect(claims).not.toHaveProperty("exp");
    expect(header).toEqual({ typ: "at+jwt" });
  });

  test("signs with another algorithm of the issuer", () => {
    expect(issue({ algorithm: "EdDSA" }).header).toMatchObject({ alg: "EdDSA", kid: keys[1]?.kid });
  });

  test.each([{ algorithm: "ES384" }, { expiresIn: Number.NaN }, { expiresIn: Infinity }, { bound: "x" }])(
    "rejects %j",
    (options) => {
      expect(() => issue(options as AccessTokenOptions)).toThrow(TypeError);
    },
  );
});
