import { type AccessTokenOptions, forgeToken, tamperPayload, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { BindingMode } from "../src/binding.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { introspectingVerifier, introspectionCount } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, rejectionOf } from "./support/outcome.ts";
import { client, seconds, startIssuer, startIssuerInTest, thief } from "./support/verification.ts";

const issuer = await startIssuer();
const always = { always: true, opaqueTokens: false } as const;
const verifier = introspectingVerifier(issuer, always);

const verified = (token: string, options: Partial<VerifyOptions> = {}, by = verifier) =>
  outcomeOf(by.verify(token, { clientCertificate: client.certificate, ...options }));

const boundTo = (identity: { readonly thumbprint: string }) => ({ cnf: { "x5t#S256": identity.thumbprint } });

/** Issues a JWT whose introspection response is active and has these members. */
async function tokenIntrospectedAs(
  response: object,
  claims: AccessTokenOptions["claims"] = boundTo(client),
): Promise<string> {
  const token = await issuer.accessToken({ claims: { ...claims } });
  issuer.introspectAs(token, { active: true, ...response });
  return token;
}

describe("a JWT that is always introspected", () => {
  test("is accepted only from the client that it was issued to (M-01)", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    expect(await verified(token)).toBe("accepted");
    expect(await verified(token, { clientCertificate: thief.certificate })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected after it was revoked, and accepted without always", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    issuer.revoke(token);
    expect(await verified(token)).toBe("ERR_TOKEN_INACTIVE");
    expect(await verified(token, {}, introspectingVerifier(issuer, { always: false }))).toBe("accepted");
    expect(await verified(token, {}, introspectingVerifier(issuer))).toBe("accepted");
  });

  test("is introspected once per cacheDuration, or for every request if cacheDuration is 0", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    const withoutCache = introspectingVerifier(issuer, { ...always, cacheDuration: 0 });
    const before = introspectionCount(issuer);
    for (const count of [1, 1, 1]) {
      expect(await verified(token)).toBe("accepted");
      expect(introspectionCount(issuer) - before).toBe(count);
    }
    for (const count of [2, 3, 4]) {
      expect(await verified(token, {}, withoutCache)).toBe("accepted");
      expect(introspectionCount(issuer) - before).toBe(count);
    }
    issuer.revoke(token);
    expect(await verified(token)).toBe("accepted");
    expect(await verified(token, {}, withoutCache)).toBe("ERR_TOKEN_INACTIVE");
  });

  test("causes a 503 while the issuer does not respond", async () => {
    const stopped = await startIssuerInTest();
    const token = await stopped.accessToken({ boundTo: client });
    const unreachable = introspectingVerifier(stopped, always);
    await stopped.close();
    const error = await rejectionOf(unreachable.verify(token, { clientCertificate: client.certificate }));
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(error.retryAfter).toBeGreaterThan(0);
    expect(await verified(token, { clientCertificate: thief.certificate }, unreachable)).toBe("ERR_BINDING_MISMATCH");
  });

  test("has the claims of the JWT, and of the response at most the binding", async () => {
    const token = await tokenIntrospectedAs({ ...boundTo(client), scope: "admin", sub: "client-1", extra: true });
    const accessToken = await verifier.verify(token, { clientCertificate: client.certificate });
    expect(accessToken).toMatchObject({ format: "jwt", binding: "verified", claims: { scope: "read" } });
    expect(accessToken.claims).not.toHaveProperty("extra");
    expect(accessToken.claims).not.toHaveProperty("active");
    expect(await verified(token, { scopes: ["read"] })).toBe("accepted");
    expect(await verified(token, { scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
  });

  test("is accepted by a verifier that rejects opaque tokens, because it does not introspect them", async () => {
    const opaque = await issuer.opaqueToken({ boundTo: client });
    const before = introspectionCount(issuer);
    expect(await verified(opaque)).toBe("ERR_TOKEN_MALFORMED");
    expect(introspectionCount(issuer)).toBe(before);
    expect(await verified(opaque, {}, introspectingVerifier(issuer, { always: true }))).toBe("accepted");
  });
});

describe("a JWT is not introspected", () => {
  interface Rejected {
    readonly options?: AccessTokenOptions;
    readonly change?: (token: string) => string;
    readonly use?: Partial<VerifyOptions>;
  }

  const claims = (members: object) => ({ options: { claims: { ...boundTo(client), ...members } } });

  test.each<[string, Outcome, Rejected]>([
    ["garbage", "ERR_TOKEN_MALFORMED", { change: (token) => `${token}.` }],
    ["forged without a key", "ERR_TOKEN_ALGORITHM", { options: { header: { alg: "none" } } }],
    ["forged with a bad signature", "ERR_TOKEN_SIGNATURE", { change: tamperSignature }],
    ["changed", "ERR_TOKEN_SIGNATURE", { change: (token) => tamperPayload(token, { sub: "admin" }) }],
    ["changed to be unbound", "ERR_TOKEN_SIGNATURE", { change: (token) => tamperPayload(token, { cnf: undefined }) }],
    ["signed with an unknown key", "ERR_TOKEN_KEY_UNKNOWN", { options: { header: { kid: "unknown" } } }],
    ["of another type", "ERR_TOKEN_TYPE", { options: { header: { typ: "logout+jwt" } } }],
    ["of an unknown issuer", "ERR_TOKEN_ISSUER", claims({ iss: "https://evil.example" })],
    ["for another API", "ERR_TOKEN_AUDIENCE", claims({ aud: "https://other.example" })],
    ["without an audience", "ERR_TOKEN_AUDIENCE", claims({ aud: undefined })],
    ["expired", "ERR_TOKEN_EXPIRED", { options: { expiresIn: -10 } }],
    ["that never expires", "ERR_TOKEN_CLAIM", claims({ exp: undefined })],
    ["not yet valid", "ERR_TOKEN_NOT_YET_VALID", claims({ nbf: seconds + 60 })],
    ["with a malformed claim", "ERR_TOKEN_CLAIM", claims({ sub: 1 })],
    ["stolen", "ERR_BINDING_MISMATCH", { use: { clientCertificate: thief.certificate } }],
    ["with a malformed confirmation", "ERR_BINDING_MALFORMED", claims({ cnf: null })],
    ["bound by DPoP", "ERR_BINDING_UNSUPPORTED", claims({ cnf: { jkt: "a" } })],
    ["without a certificate", "ERR_CERTIFICATE_MISSING", { use: { clientCertificate: null } }],
    ["with a malformed certificate", "ERR_CERTIFICATE_MALFORMED", { use: { clientCertificate: "x" } }],
    [
      "that is unbound, without a certificate",
      "ERR_CERTIFICATE_MISSING",
      { options: { claims: { cnf: undefined } }, use: { clientCertificate: null } },
    ],
  ])("if it is rejected before: %s", async (_name, code, { options, change, use }) => {
    const issued = await issuer.accessToken({ boundTo: client, ...options });
    const token = change?.(issued) ?? issued;
    issuer.introspectAs(token, { active: true, ...boundTo(client) });
    const before = introspectionCount(issuer);
    expect(await verified(token, use)).toBe(code);
    expect(introspectionCount(issuer)).toBe(before);
  });

  test("if an attacker wrote it", async () => {
    const header = { alg: "ES256", kid: issuer.jwks.keys[0]?.kid, typ: "at+jwt" };
    const payload = { iss: issuer.issuer, aud: issuer.audience, exp: seconds + 300, ...boundTo(client) };
    const token = forgeToken({ header, payload, signature: new Uint8Array(64) });
    issuer.introspectAs(token, { active: true, ...payload });
    const before = introspectionCount(issuer);
    expect(await verified(token)).toBe("ERR_TOKEN_SIGNATURE");
    expect(introspectionCount(issuer)).toBe(before);
  });
});

describe("the binding", () => {
  const sources = { none: {}, client: boundTo(client), other: boundTo(thief) };
  const required = "ERR_BINDING_REQUIRED";
  const mismatch = "ERR_BINDING_MISMATCH";

  test.each<[keyof typeof sources, keyof typeof sources, Outcome, string, string]>([
    ["none", "none", required, "unbound", required],
    ["none", "client", "accepted", "verified", "verified"],
    ["none", "other", mismatch, mismatch, mismatch],
    ["client", "none", "accepted", "verified", "verified"],
    ["client", "client", "accepted", "verified", "verified"],
    ["client", "other", mismatch, mismatch, mismatch],
    ["other", "none", mismatch, mismatch, mismatch],
    ["other", "client", mismatch, mismatch, mismatch],
    ["other", "other", mismatch, mismatch, mismatch],
  ])("is checked in the JWT and in the response: cnf %s and cnf %s", async (inJwt, inResponse, ...expected) => {
    const token = await tokenIntrospectedAs(sources[inResponse], sources[inJwt]);
    const resultFor = async (validateCertificateBinding: BindingMode) => {
      const use = { clientCertificate: client.certificate, validateCertificateBinding };
      const result = await verifier.verify(token, use).catch((error: unknown) => error as { code: string });
      if ("code" in result) return result.code;
      return result.binding === "rejected" ? `reported ${result.bindingError.code}` : result.binding;
    };
    const [strict, whenBound, reported] = expected;
    expect(await verified(token)).toBe(strict);
    expect(await resultFor("when-bound")).toBe(whenBound);
    expect(await resultFor("report-only")).toBe(reported === "verified" ? reported : `reported ${reported}`);
  });

  test.each([
    ["null", null, "ERR_BINDING_MALFORMED"],
    ["empty", {}, "ERR_BINDING_MALFORMED"],
    ["of DPoP", { jkt: "a" }, "ERR_BINDING_UNSUPPORTED"],
    ["the thumbprint alone", client.thumbprint, "ERR_BINDING_MALFORMED"],
  ])("is not removed by a response whose cnf is %s", async (_name, cnf, code) => {
    for (const claims of [boundTo(client), {}])
      expect(await verified(await tokenIntrospectedAs({ cnf }, claims))).toBe(code);
    const whenBound = { validateCertificateBinding: "when-bound" } as const;
    expect(await verified(await tokenIntrospectedAs({ cnf }, {}), whenBound)).toBe(code);
  });

  test('that only the response has requires a certificate under "when-bound" as well', async () => {
    const use = { clientCertificate: null, validateCertificateBinding: "when-bound" } as const;
    expect(await verified(await tokenIntrospectedAs(boundTo(client), {}), use)).toBe("ERR_CERTIFICATE_MISSING");
    expect(await verified(await tokenIntrospectedAs({}, {}), use)).toBe("accepted");
  });

  test("that only the response has is added to the claims, which are frozen", async () => {
    const token = await tokenIntrospectedAs(boundTo(client), {});
    const { claims, ...rest } = await verifier.verify(token, { clientCertificate: client.certificate });
    expect(claims).toMatchObject({ sub: "client-1", aud: issuer.audience, ...boundTo(client) });
    for (const part of [claims, claims.cnf]) expect(Object.isFrozen(part)).toBe(true);
    expect(rest).toMatchObject({ binding: "verified", clientCertificate: { thumbprint: client.thumbprint } });
  });

  test("is not in the claims if neither has a cnf", async () => {
    const use = { clientCertificate: client.certificate, validateCertificateBinding: "when-bound" } as const;
    const { claims } = await verifier.verify(await tokenIntrospectedAs({}, {}), use);
    expect(Object.hasOwn(claims, "cnf")).toBe(false);
  });
});

describe("the response", () => {
  const other = "https://other.example";

  test.each<[string, object, Outcome]>([
    ["iss", { iss: issuer.issuer }, "accepted"],
    ["iss", { iss: other }, "ERR_TOKEN_ISSUER"],
    ["iss", { iss: `${issuer.issuer}/` }, "ERR_TOKEN_ISSUER"],
    ["iss", { iss: null }, "accepted"],
    ["sub", { sub: "client-1" }, "accepted"],
    ["sub", { sub: "client-2" }, "ERR_TOKEN_CLAIM"],
    ["sub", { sub: null }, "accepted"],
    ["jti", { jti: "token-1" }, "accepted"],
    ["jti", { jti: "token-2" }, "ERR_TOKEN_CLAIM"],
    ["jti", { jti: null }, "accepted"],
    ["jti", { jti: ["token-1"] }, "ERR_TOKEN_CLAIM"],
    ["client_id", { client_id: "client-1" }, "accepted"],
    ["client_id", { client_id: "CLIENT-1" }, "ERR_TOKEN_CLAIM"],
    ["client_id", { client_id: ["client-1"] }, "ERR_TOKEN_CLAIM"],
    ["aud", { aud: [other, issuer.audience] }, "accepted"],
    ["aud", { aud: other }, "ERR_TOKEN_AUDIENCE"],
    ["aud", { aud: [] }, "ERR_TOKEN_AUDIENCE"],
    ["aud", { aud: null }, "ERR_TOKEN_AUDIENCE"],
    ["exp", { exp: seconds + 1 }, "accepted"],
    ["exp", { exp: seconds - 10 }, "ERR_TOKEN_EXPIRED"],
    ["exp", { exp: String(seconds + 300) }, "ERR_TOKEN_CLAIM"],
    ["exp", { exp: null }, "accepted"],
    ["nbf", { nbf: seconds }, "accepted"],
    ["nbf", { nbf: seconds + 60 }, "ERR_TOKEN_NOT_YET_VALID"],
    ["token_type", { token_type: "Bearer" }, "accepted"],
    ["token_type", { token_type: "refresh_token" }, "ERR_TOKEN_TYPE"],
    ["active", { active: false }, "ERR_TOKEN_INACTIVE"],
    ["active", { active: "true" }, "ERR_INTROSPECTION_UNAVAILABLE"],
  ])("may omit %s, but its value must match the token and this API: %j", async (_name, response, expected) => {
    const claims = { ...boundTo(client), jti: "token-1" };
    expect(await verified(await tokenIntrospectedAs({}, claims))).toBe("accepted");
    expect(await verified(await tokenIntrospectedAs(response, claims))).toBe(expected);
  });

  test("is checked in the same way if it is signed", async () => {
    const signed = introspectingVerifier(issuer, { ...always, signedResponse: true });
    const claims = { ...boundTo(client), jti: "token-1" };
    expect(await verified(await tokenIntrospectedAs({ jti: "token-1" }, claims), {}, signed)).toBe("accepted");
    expect(await verified(await tokenIntrospectedAs({ jti: "token-2" }, claims), {}, signed)).toBe("ERR_TOKEN_CLAIM");
  });

  test.each(["sub", "client_id", "jti"])("may have a %s that the token does not have", async (name) => {
    const claims = { ...boundTo(client), [name]: undefined };
    expect(await verified(await tokenIntrospectedAs({ [name]: "client-2" }, claims))).toBe("accepted");
    expect(await verified(await tokenIntrospectedAs({ [name]: 2 }, claims))).toBe("ERR_TOKEN_CLAIM");
  });
});
