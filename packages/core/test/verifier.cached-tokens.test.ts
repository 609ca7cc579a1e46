import { generateKeyPairSync, sign } from "node:crypto";
import { tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BindingMode } from "../src/binding.ts";
import type { JsonWebKeySet } from "../src/options/configuration.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { status } from "./support/endpoint.ts";
import { introspectionOf } from "./support/introspecting-verifier.ts";
import type { Outcome } from "./support/outcome.ts";
import { startCachingApi } from "./support/caching-api.ts";
import { client, seconds, startIssuer, startIssuerInTest, thief } from "./support/verification.ts";

const issuer = await startIssuer();
const stolen = { clientCertificate: thief.certificate };
const whenBound = { validateCertificateBinding: "when-bound" } as const;
const reportOnly = { validateCertificateBinding: "report-only" } as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  // Simulates a process that has been running for a while.
  vi.advanceTimersByTime(1000);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a cached token", () => {
  test("is verified once", async () => {
    const { claims, published } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    const first = await claims(token);
    expect(first).toMatchObject({ sub: "client-1" });
    expect(await claims(token)).toBe(first);
    expect(published.requests).toHaveLength(1);
  });

  test("is verified for every request if verifiedTokens is false", async () => {
    const { claims } = await startCachingApi(issuer, { verifiedTokens: false });
    const token = await issuer.accessToken({ boundTo: client });
    const first = await claims(token);
    const second = await claims(token);
    expect(second).not.toBe(first);
    expect(second).toEqual(first);
  });

  test("is dropped if the cache is full and it is the least recently used one", async () => {
    const { claims } = await startCachingApi(issuer, { verifiedTokens: 2 });
    const [a = "", b = "", c = ""] = await Promise.all(
      ["a", "b", "c"].map((jti) => issuer.accessToken({ boundTo: client, claims: { jti } })),
    );
    const [firstA, firstB] = [await claims(a), await claims(b)];
    expect(await claims(a)).toBe(firstA);
    const firstC = await claims(c);
    expect([await claims(a), await claims(c)]).toEqual([firstA, firstC]);
    expect(await claims(a)).toBe(firstA);
    expect(await claims(c)).toBe(firstC);
    expect(await claims(b)).not.toBe(firstB);
  });

  test("has claims that no application can change for the next request, at any depth", async () => {
    const { claims } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client, claims: { nested: { list: [{ deep: true }] } } });
    const first = await claims(token);
    const { list } = first["nested"] as { list: object[] };
    for (const part of [first, first.cnf, first["nested"], list, list[0]]) expect(Object.isFrozen(part)).toBe(true);
    expect(() => Object.assign(first, { scope: "admin" })).toThrow(TypeError);
    expect(() => Object.assign(first.cnf ?? {}, { "x5t#S256": thief.thumbprint })).toThrow(TypeError);
    expect(() => list.push({})).toThrow(TypeError);
    expect(await claims(token)).toMatchObject({ scope: "read", nested: { list: [{ deep: true }] } });
  });
});

describe("a request with a cached token is checked by", () => {
  test.each<[string, Partial<VerifyOptions>, Outcome]>([
    ["the certificate of another client (M-01)", stolen, "ERR_BINDING_MISMATCH"],
    ["the missing certificate (M-03)", { clientCertificate: null }, "ERR_CERTIFICATE_MISSING"],
    ["the malformed certificate", { clientCertificate: "x" }, "ERR_CERTIFICATE_MALFORMED"],
    ["the certificate of another client, when-bound", { ...stolen, ...whenBound }, "ERR_BINDING_MISMATCH"],
    ["the missing certificate, when-bound", { clientCertificate: null, ...whenBound }, "ERR_CERTIFICATE_MISSING"],
    ["its scopes", { scopes: ["admin"] }, "ERR_SCOPE_INSUFFICIENT"],
    ["its groups", { groups: ["admins"] }, "ERR_ACCESS_DENIED"],
    ["its acr", { acrValues: ["gold"] }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["the age of its authentication", { maxAge: 9 }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["the decision of the application", { authorize: () => false }, "ERR_ACCESS_DENIED"],
  ])("%s", async (_name, use, code) => {
    const { claims, outcome } = await startCachingApi(issuer);
    const tokenClaims = { scope: "read write", groups: ["staff"], acr: "silver", auth_time: seconds - 10 };
    const token = await issuer.accessToken({ boundTo: client, claims: tokenClaims });
    const good = { scopes: ["read"], groups: ["staff"], acrValues: ["silver"], maxAge: 10, authorize: () => true };
    const first = await claims(token, good);
    expect(await outcome(token, use)).toBe(code);
    expect(await claims(token, good)).toBe(first);
  });

  test("its certificate, also after the certificate of the thief was rejected", async () => {
    const { claims, outcome } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    const first = await claims(token);
    for (const use of [stolen, {}, stolen, {}, { clientCertificate: null }, {}]) {
      const isClient = !Object.hasOwn(use, "clientCertificate");
      expect((await outcome(token, use)) === "accepted").toBe(isClient);
    }
    expect(await claims(token)).toBe(first);
  });

  test("its binding mode", async () => {
    const { claims, outcome } = await startCachingApi(issuer);
    const [bound, unbound] = [await issuer.accessToken({ boundTo: client }), await issuer.accessToken()];
    const first = await claims(bound, { ...stolen, ...reportOnly });
    expect(await outcome(bound, stolen)).toBe("ERR_BINDING_MISMATCH");
    expect(await claims(bound)).toBe(first);
    const firstUnbound = await claims(unbound, whenBound);
    expect(await outcome(unbound)).toBe("ERR_BINDING_REQUIRED");
    expect(await claims(unbound, { ...whenBound, clientCertificate: null })).toBe(firstUnbound);
  });

  test("the token types that its binding mode accepts", async () => {
    const { claims, outcome } = await startCachingApi(issuer);
    for (const typ of ["JWT", undefined]) {
      const token = await issuer.accessToken({ boundTo: client, header: { typ } });
      const first = await claims(token);
      expect(await outcome(token, whenBound)).toBe("ERR_TOKEN_TYPE");
      expect(await outcome(token, reportOnly)).toBe("ERR_TOKEN_TYPE");
      expect(await claims(token)).toBe(first);
    }
    const typed = await issuer.accessToken({ boundTo: client });
    const first = await claims(typed);
    expect(await claims(typed, whenBound)).toBe(first);
    expect(await claims(typed, reportOnly)).toBe(first);
  });
});

describe("a cached token is rejected", () => {
  const required = { validateCertificateBinding: true } as const;

  test.each<[string, object, BindingMode]>([
    ["a required binding", required, true],
    ["when-bound", whenBound, "when-bound"],
    ["report-only", reportOnly, "report-only"],
  ])("exactly when exp and the tolerance have passed, under %s", async (_name, use) => {
    const { claims, outcome, setClock } = await startCachingApi(issuer, { clockTolerance: 5 });
    const token = await issuer.accessToken({ boundTo: client, expiresIn: 60 });
    const first = await claims(token, use);
    setClock(64.999);
    expect(await claims(token, use)).toBe(first);
    setClock(65);
    expect(await outcome(token, use)).toBe("ERR_TOKEN_EXPIRED");
    setClock(0);
    expect(await outcome(token, use)).toBe("accepted");
  });

  test("exactly when it is older than maxTokenAge", async () => {
    const { claims, outcome, setClock } = await startCachingApi(issuer, { maxTokenAge: 30, clockTolerance: 0 });
    const token = await issuer.accessToken({ boundTo: client, expiresIn: 3600 });
    const first = await claims(token);
    setClock(29.999);
    expect(await claims(token)).toBe(first);
    setClock(30);
    expect(await outcome(token)).toBe("ERR_TOKEN_EXPIRED");
  });

  test("when the clock is set back to before nbf, or before iat with maxTokenAge", async () => {
    const { claims, outcome, setClock } = await startCachingApi(issuer, { maxTokenAge: 3600, clockTolerance: 5 });
    for (const start of [{ nbf: seconds }, { iat: seconds }]) {
      setClock(0);
      const token = await issuer.accessToken({ boundTo: client, claims: { iat: seconds - 60, ...start } });
      const first = await claims(token);
      setClock(-5);
      expect(await claims(token)).toBe(first);
      setClock(-6);
      expect(await outcome(token)).toBe("ERR_TOKEN_NOT_YET_VALID");
    }
  });

  test("when it is always introspected, and the issuer has revoked it", async () => {
    const introspectingIssuer = await startIssuerInTest();
    const always = { always: true, opaqueTokens: false, cacheDuration: 0 };
    const { claims, outcome } = await startCachingApi(introspectingIssuer, {
      introspection: introspectionOf(introspectingIssuer, always),
    });
    const [token, other] = [
      await introspectingIssuer.accessToken({ boundTo: client }),
      await introspectingIssuer.accessToken({ boundTo: client }),
    ];
    const [first, firstOther] = [await claims(token), await claims(other)];
    expect(await claims(token)).toBe(first);
    introspectingIssuer.revoke(token);
    expect(await outcome(token)).toBe("ERR_TOKEN_INACTIVE");
    expect(await outcome(token, stolen)).toBe("ERR_BINDING_MISMATCH");
    expect(await claims(other)).toBe(firstOther);
  });

  test("when it is always introspected, and the issuer no longer responds", async () => {
    const introspectingIssuer = await startIssuerInTest();
    const always = { always: true, opaqueTokens: false, cacheDuration: 0 };
    const { outcome } = await startCachingApi(introspectingIssuer, {
      introspection: introspectionOf(introspectingIssuer, always),
    });
    const token = await introspectingIssuer.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    await introspectingIssuer.close();
    expect(await outcome(token)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });
});

test("a token is cached for 300 s, and then verified again", async () => {
  const { claims } = await startCachingApi(issuer);
  const token = await issuer.accessToken({ boundTo: client, expiresIn: 3600 });
  const first = await claims(token);
  vi.advanceTimersByTime(300_000);
  expect(await claims(token)).toBe(first);
  vi.advanceTimersByTime(1);
  const second = await claims(token);
  expect(second).not.toBe(first);
  expect(await claims(token)).toBe(second);
});

describe("a rejection is not cached if", () => {
  test("the certificate was another one", async () => {
    const { outcome } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    for (const use of [stolen, { clientCertificate: null }]) {
      expect(await outcome(token, use)).not.toBe("accepted");
      expect(await outcome(token)).toBe("accepted");
    }
  });

  test("the token was not valid yet, or had expired, because the clock was wrong", async () => {
    const { outcome, setClock } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client, claims: { nbf: seconds } });
    setClock(-60);
    expect(await outcome(token)).toBe("ERR_TOKEN_NOT_YET_VALID");
    setClock(600);
    expect(await outcome(token)).toBe("ERR_TOKEN_EXPIRED");
    setClock(0);
    expect(await outcome(token)).toBe("accepted");
  });

  test("the requirements were not met", async () => {
    const { outcome } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    expect(await outcome(token, { scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await outcome(token, { scopes: ["read"] })).toBe("accepted");
  });

  test("the signature was not valid, and the token is rejected again", async () => {
    const { outcome } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    const forged = tamperSignature(token);
    for (const [tried, expected] of [
      [forged, "ERR_TOKEN_SIGNATURE"],
      [token, "accepted"],
      [forged, "ERR_TOKEN_SIGNATURE"],
      [token, "accepted"],
    ] as const) {
      expect(await outcome(tried)).toBe(expected);
    }
  });

  test("the keys could not be fetched", async () => {
    const { outcome, published, claims } = await startCachingApi(issuer);
    const token = await issuer.accessToken({ boundTo: client });
    published.respondWith(status(500, {}));
    expect(await outcome(token)).toBe("ERR_KEYS_UNAVAILABLE");
    published.respondWith((response) => response.writeHead(200).end(JSON.stringify(issuer.jwks)));
    vi.advanceTimersByTime(1000);
    const first = await claims(token);
    expect(await claims(token)).toBe(first);
  });

  test("the token was inactive, which also takes no space in the cache", async () => {
    const introspectingIssuer = await startIssuerInTest();
    const always = { always: true, opaqueTokens: false, cacheDuration: 0 };
    const introspection = introspectionOf(introspectingIssuer, always);
    const { outcome, claims } = await startCachingApi(introspectingIssuer, { introspection, verifiedTokens: 1 });
    const [token, other] = [
      await introspectingIssuer.accessToken({ boundTo: client }),
      await introspectingIssuer.accessToken({ boundTo: client }),
    ];
    const first = await claims(token);
    introspectingIssuer.revoke(other);
    expect(await outcome(other)).toBe("ERR_TOKEN_INACTIVE");
    expect(await claims(token)).toBe(first);
    expect(await outcome(await introspectingIssuer.accessToken({ boundTo: client }))).toBe("accepted");
    expect(await claims(token)).not.toBe(first);
  });

  test("the token was inactive, and is active now", async () => {
    const introspectingIssuer = await startIssuerInTest();
    const always = { always: true, opaqueTokens: false, cacheDuration: 0 };
    const { outcome } = await startCachingApi(introspectingIssuer, {
      introspection: introspectionOf(introspectingIssuer, always),
    });
    const token = await introspectingIssuer.accessToken({ boundTo: client });
    introspectingIssuer.introspectAs(token, { active: false });
    expect(await outcome(token)).toBe("ERR_TOKEN_INACTIVE");
    introspectingIssuer.introspectAs(token, { active: true });
    vi.advanceTimersByTime(10_001);
    expect(await outcome(token)).toBe("accepted");
  });
});

describe("a JWT whose header starts with white space", () => {
  // RFC 8259 section 2 allows white space before the brace, and RFC 7515 does not forbid it.
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = { keys: [publicKey.export({ format: "jwk" })] } as JsonWebKeySet;
  const signed = (jti: string): string => {
    const claims = {
      iss: issuer.issuer,
      aud: issuer.audience,
      exp: seconds + 300,
      cnf: { "x5t#S256": client.thumbprint },
      jti,
    };
    const parts = [` {"alg":"ES256","typ":"at+jwt"}`, JSON.stringify(claims)];
    const input = parts.map((part) => Buffer.from(part).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
  };

  test("is never mistaken for another JWT that is cached or being verified", async () => {
    const { claims, outcome } = await startCachingApi(issuer, { jwks });
    const [first, second] = await Promise.all(["first", "second"].map((jti) => claims(signed(jti))));
    expect([first?.jti, second?.jti]).toEqual(["first", "second"]);
    for (const other of ["", "garbage", "a.b.c", tamperSignature(signed("first"))]) {
      expect(await outcome(other)).not.toBe("accepted");
    }
    expect(await claims(signed("third"))).toMatchObject({ jti: "third" });
  });
});
