import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { signIntrospection } from "../../src/issuer/introspection-endpoint.ts";
import { generateSigningKey } from "../../src/tokens/signing-keys.ts";

test.each(["ES256", "PS256"] as const)("signs an introspection response with %s", async (algorithm) => {
  const key = await generateSigningKey(algorithm);
  const context = { issuer: "https://issuer.example", clientId: "api", now: 5_999, key };
  const signed = signIntrospection({ active: true, exp: 1 }, context);
  const { payload, protectedHeader } = await jwtVerify(signed, createLocalJWKSet({ keys: [key.publicJwk] }));
  expect(protectedHeader).toEqual({ alg: algorithm, kid: key.kid, typ: "token-introspection+jwt" });
  expect(payload).toEqual({
    iss: "https://issuer.example",
    aud: "api",
    iat: 5,
    token_introspection: { active: true, exp: 1 },
  });
});
