import { createHmac } from "node:crypto";
import { forgeToken, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { IssuerOptions } from "../src/options/configuration.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { createVerifier, type Verifier } from "../src/verifier.ts";
import { json, startEndpoint, status } from "./support/endpoint.ts";
import { eventsOf } from "./support/events.ts";
import { introspectingVerifier, introspectionOf, introspectionCount } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf } from "./support/outcome.ts";
import { client, now, seconds, startIssuer, thief } from "./support/verification.ts";

const issuer = await startIssuer();
const jwtsAsOpaque = { jwtsAsOpaque: true, cacheDuration: 0 } as const;
const verifier = introspectingVerifier(issuer, jwtsAsOpaque);
const locally = introspectingVerifier(issuer);

const active = { active: true, aud: issuer.audience, scope: "read", cnf: { "x5t#S256": client.thumbprint } };

/** Returns the outcome, and the number of introspection requests. */
async function verified(token: string, use: Partial<VerifyOptions> = {}, by: Verifier = verifier): Promise<object> {
  const before = introspectionCount(issuer);
  const outcome = await outcomeOf(by.verify(token, { clientCertificate: client.certificate, ...use }));
  return { outcome, requests: introspectionCount(issuer) - before };
}

/** Creates a token with an HMAC, as some servers issue it for introspection only. */
function hmacToken(payload: object): string {
  const input = forgeToken({ header: { alg: "HS256", typ: "JWT" }, payload, signature: "" }).slice(0, -1);
  return `${input}.${createHmac("sha256", "secret of the issuer").update(input).digest("base64url")}`;
}

/** Tokens that local verification rejects, although their introspection response is active. */
const tokens: readonly (readonly [string, () => Promise<string> | string, Outcome])[] = [
  [
    "a lightweight token of Keycloak, without audience, scope and cnf",
    () => issuer.accessToken({ claims: { aud: undefined, scope: undefined, cnf: undefined } }),
    "ERR_TOKEN_AUDIENCE",
  ],
  [
    "a token of the Okta org server, for another audience",
    () => issuer.accessToken({ claims: { aud: "https://org.okta.com" } }),
    "ERR_TOKEN_AUDIENCE",
  ],
  ["a token signed with HS256", () => hmacToken({ iss: issuer.issuer }), "ERR_TOKEN_ALGORITHM"],
  ["a token without iss", () => hmacToken({ sub: "user" }), "ERR_TOKEN_ALGORITHM"],
  ["a token of an issuer that is not configured", () => hmacToken({ iss: "https://x.example" }), "ERR_TOKEN_ALGORITHM"],
  [
    "a token whose exp is in the past",
    () => issuer.accessToken({ boundTo: client, claims: { exp: seconds - 300 } }),
    "ERR_TOKEN_EXPIRED",
  ],
  ["a token with three parts that is not a JWT", () => "eyJ.not.json", "ERR_TOKEN_MALFORMED"],
];

describe("jwtsAsOpaque", () => {
  test.each(tokens)("introspects %s", async (_name, create, code) => {
    const token = await create();
    issuer.introspectAs(token, active);
    expect(await verified(token)).toEqual({ outcome: "accepted", requests: 1 });
    expect(await verified(token, { clientCertificate: thief.certificate })).toEqual({
      outcome: "ERR_BINDING_MISMATCH",
      requests: 1,
    });
    expect(await verified(token, {}, locally)).toEqual({ outcome: code, requests: 0 });
    issuer.introspectAs(token, { active: false });
    expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", requests: 1 });
  });

  test("does not verify the signature, and introspects opaque tokens as usual", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    expect(await verified(token)).toEqual({ outcome: "accepted", requests: 1 });
    expect(await verified(tamperSignature(token))).toEqual({ outcome: "ERR_TOKEN_INACTIVE", requests: 1 });
    expect(await verified(await issuer.opaqueToken({ boundTo: client }))).toEqual({ outcome: "accepted", requests: 1 });
  });

  test("uses the claims of the response only, and none of the token", async () => {
    const claims = { scope: "admin", groups: ["staff"], acr: "high", cnf: { "x5t#S256": client.thumbprint } };
    const token = await issuer.accessToken({ claims });
    issuer.introspectAs(token, active);
    const accessToken = await verifier.verify(token, { clientCertificate: client.certificate, scopes: ["read"] });
    expect(accessToken).toMatchObject({ format: "opaque", binding: "verified" });
    expect(accessToken.claims).toEqual(active);
    expect(await verified(token, { scopes: ["admin"] })).toMatchObject({ outcome: "ERR_SCOPE_INSUFFICIENT" });
    expect(await verified(token, { groups: ["staff"] })).toMatchObject({ outcome: "ERR_ACCESS_DENIED" });
    issuer.introspectAs(token, { ...active, scope: "admin", groups: ["staff"] });
    expect(await verified(token, { scopes: ["admin"], groups: ["staff"] })).toMatchObject({ outcome: "accepted" });
  });

  test("uses the binding of the response, never the binding of the token", async () => {
    const boundToClient = await issuer.accessToken({ boundTo: client });
    issuer.introspectAs(boundToClient, { ...active, cnf: undefined });
    expect(await verified(boundToClient)).toEqual({ outcome: "ERR_BINDING_REQUIRED", requests: 1 });
    const boundToThief = await issuer.accessToken({ boundTo: thief });
    issuer.introspectAs(boundToThief, active);
    expect(await verified(boundToThief)).toEqual({ outcome: "accepted", requests: 1 });
    expect(await verified(boundToThief, { clientCertificate: thief.certificate })).toMatchObject({
      outcome: "ERR_BINDING_MISMATCH",
    });
  });

  test("sends no request without a certificate, or for an invalid bearer token", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    expect(await verified(token, { clientCertificate: null })).toEqual({
      outcome: "ERR_CERTIFICATE_MISSING",
      requests: 0,
    });
    expect(await verified(token, { clientCertificate: "x" })).toEqual({
      outcome: "ERR_CERTIFICATE_MALFORMED",
      requests: 0,
    });
    expect(await verified("eyJ.ä.c")).toEqual({ outcome: "ERR_TOKEN_MALFORMED", requests: 0 });
    const long = forgeToken({ header: { alg: "HS256" }, payload: { pad: "x".repeat(16_384) }, signature: "c2ln" });
    expect(await verified(long)).toEqual({ outcome: "ERR_TOKEN_MALFORMED", requests: 0 });
  });

  test('needs returnsConfirmation for "when-bound"', async () => {
    const whenBound = { clientCertificate: client.certificate, validateCertificateBinding: "when-bound" } as const;
    const token = await issuer.accessToken();
    issuer.introspectAs(token, { ...active, cnf: undefined });
    await expect(verifier.verify(token, whenBound)).rejects.toThrow(TypeError);
    const withConfirmation = introspectingVerifier(issuer, { ...jwtsAsOpaque, returnsConfirmation: true });
    expect(await withConfirmation.verify(token, whenBound)).toMatchObject({ binding: "unbound" });
    issuer.introspectAs(token, active);
    expect(await withConfirmation.verify(token, whenBound)).toMatchObject({ binding: "verified" });
    const stolen = withConfirmation.verify(token, { ...whenBound, clientCertificate: thief.certificate });
    expect(await outcomeOf(stolen)).toBe("ERR_BINDING_MISMATCH");
  });

  test("names the issuer in the events", async () => {
    const events = eventsOf("certbound:decision", issuer.issuer);
    const token = await issuer.accessToken({ boundTo: client });
    await verified(token);
    expect(events).toMatchObject([{ outcome: "accepted", issuer: issuer.issuer, clientId: "client-1" }]);
  });
});

describe("the issuer with jwtsAsOpaque among several issuers", async () => {
  const other = await startIssuer({ audience: "https://other.example" });
  const configured = (from: typeof issuer, introspection?: IssuerOptions["introspection"]): IssuerOptions => ({
    issuer: from.issuer,
    audience: from.audience,
    jwks: from.jwks,
    introspection,
  });
  const several = createVerifier({
    issuer: [configured(other), configured(issuer, introspectionOf(issuer, jwtsAsOpaque))],
    clock: () => now,
  });

  test("does not introspect a JWT that names another configured issuer", async () => {
    const token = await other.accessToken({ boundTo: client });
    issuer.introspectAs(token, active);
    expect(await verified(token, {}, several)).toEqual({ outcome: "accepted", requests: 0 });
    expect(await verified(tamperSignature(token), {}, several)).toEqual({
      outcome: "ERR_TOKEN_SIGNATURE",
      requests: 0,
    });
    const signedBySecret = hmacToken({ iss: other.issuer });
    issuer.introspectAs(signedBySecret, active);
    expect(await verified(signedBySecret, {}, several)).toEqual({ outcome: "ERR_TOKEN_ALGORITHM", requests: 0 });
    const critical = forgeToken({
      header: { alg: "ES256", crit: ["x"] },
      payload: { iss: other.issuer },
      signature: "",
    });
    expect(await verified(critical, {}, several)).toEqual({ outcome: "ERR_TOKEN_MALFORMED", requests: 0 });
  });

  test.each<[string, () => Promise<string> | string]>([
    ["names this issuer", () => hmacToken({ iss: issuer.issuer })],
    ["names an issuer that is not configured", () => hmacToken({ iss: `${other.issuer}/` })],
    ["names no issuer", () => hmacToken({ sub: "user" })],
    ["has a list as iss", () => hmacToken({ iss: [other.issuer] })],
    [
      "names another issuer in a prototype",
      () => hmacToken(JSON.parse(`{"__proto__":{"iss":"${other.issuer}"}}`) as object),
    ],
    ["has a payload that is not an object", () => "eyJhbGciOiJIUzI1NiJ9.WzFd.c2ln"],
    ["has a payload that is not JSON", () => "eyJhbGciOiJIUzI1NiJ9.e30x.c2ln"],
    ["has a payload that is not base64url", () => "eyJhbGciOiJIUzI1NiJ9.e.c2ln"],
    ["has no payload", () => "eyJhbGciOiJIUzI1NiJ9..c2ln"],
  ])("introspects a JWT that %s", async (_name, create) => {
    const token = await create();
    issuer.introspectAs(token, active);
    expect(await verified(token, {}, several)).toEqual({ outcome: "accepted", requests: 1 });
    issuer.introspectAs(token, { ...active, iss: other.issuer });
    expect(await verified(token, {}, several)).toEqual({ outcome: "ERR_TOKEN_ISSUER", requests: 1 });
  });
});

describe("ready with jwtsAsOpaque", () => {
  const introspection = { clientId: "api", clientSecret: "secret", jwtsAsOpaque: true };

  test("fetches no keys unless responses are signed", async () => {
    const { url, requests, respondWith } = await startEndpoint(status(500, {}));
    respondWith((response, path) => {
      const document = { issuer: url, introspection_endpoint: `${url}/introspect` };
      (path.includes("oauth-authorization-server") ? json(document) : status(404, {}))(response, path);
    });
    const ready = (options: object) =>
      outcomeOf(
        createVerifier({ issuer: url, audience: null, introspection: { ...introspection, ...options } }).ready(),
      );
    expect(await ready({})).toBe("accepted");
    expect(requests).toEqual(["/.well-known/oauth-authorization-server"]);
    expect(await ready({ signedResponse: true })).toBe("ERR_KEYS_UNAVAILABLE");
    expect(await ready({ jwtsAsOpaque: false })).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test("satisfies the profile fapi2 in place of always", () => {
    const options = { issuer: "https://as.example", audience: null, profile: "fapi2" } as const;
    expect(() => createVerifier({ ...options, introspection })).not.toThrow();
    const opaqueOnly = { ...introspection, jwtsAsOpaque: false };
    expect(() => createVerifier({ ...options, introspection: opaqueOnly })).toThrow(/revoked tokens/);
  });
});
