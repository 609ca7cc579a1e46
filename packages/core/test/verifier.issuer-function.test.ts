import type { Issuer } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAuthenticator } from "../src/authenticator.ts";
import type { IssuerFunction, IssuerOptions, VerifierOptions } from "../src/options/configuration.ts";
import { createVerifier } from "../src/verifier.ts";
import { connectionOf, requestOver } from "./support/cached-requests.ts";
import { introspectionOf } from "./support/introspecting-verifier.ts";
import { outcomeOf } from "./support/outcome.ts";
import { client, now, startIssuer, thief } from "./support/verification.ts";

const minute = 60_000;

const [one, two] = await Promise.all([
  startIssuer({ audience: "https://api.example" }),
  startIssuer({ audience: "https://api.example" }),
]);

function optionsOf({ issuer, audience, jwks }: Issuer): IssuerOptions {
  return { issuer, audience, jwks };
}

/** Creates a verifier whose issuer function returns these tenants, and records the calls of the function. */
function multiTenant(tenants: readonly IssuerOptions[], options: Omit<VerifierOptions, "issuer"> = {}) {
  const known = new Map(tenants.map((tenant) => [tenant.issuer, tenant]));
  const called: string[] = [];
  const issuer: IssuerFunction = async (iss) => {
    called.push(iss);
    return known.get(iss);
  };
  const verifier = createVerifier({ issuer, clock: () => now, ...options });
  const outcome = (token: string, identity = client) =>
    outcomeOf(verifier.verify(token, { clientCertificate: identity.certificate }));
  return { verifier, known, called, outcome };
}

describe("an issuer function", () => {
  test("accepts tokens of its issuers from their clients, each verified with the keys of its issuer", async () => {
    const { outcome, called } = multiTenant([optionsOf(one), optionsOf(two)]);
    for (const issuer of [one, two]) {
      const token = await issuer.accessToken({ boundTo: client });
      expect([await outcome(token), await outcome(token)]).toEqual(["accepted", "accepted"]);
      expect(await outcome(token, thief)).toBe("ERR_BINDING_MISMATCH");
    }
    const forged = await two.accessToken({ boundTo: client, claims: { iss: one.issuer } });
    expect(await outcome(forged)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(called).toEqual([one.issuer, two.issuer]);
  });

  test("is the allow-list: the verifier rejects a token of any other issuer", async () => {
    const { outcome, called } = multiTenant([optionsOf(one)]);
    expect(await outcome(await two.accessToken({ boundTo: client }))).toBe("ERR_TOKEN_ISSUER");
    expect(called).toEqual([two.issuer]);
  });

  test.each<[string, object, string, number]>([
    ["an algorithm that is never accepted", { header: { alg: "HS256" } }, "ERR_TOKEN_ALGORITHM", 0],
    ["a missing iss", { claims: { iss: undefined } }, "ERR_TOKEN_ISSUER", 0],
    ["an iss that is a list", { claims: { iss: [one.issuer] } }, "ERR_TOKEN_ISSUER", 0],
    ["an iss of 1,025 characters", { claims: { iss: `https://${"a".repeat(1017)}` } }, "ERR_TOKEN_ISSUER", 0],
    ["another audience", { claims: { aud: "https://other.example" } }, "ERR_TOKEN_AUDIENCE", 1],
    ["another type", { header: { typ: "logout+jwt" } }, "ERR_TOKEN_TYPE", 1],
  ])("is called only if no earlier check rejects: %s", async (_kind, token, code, calls) => {
    const { outcome, called } = multiTenant([optionsOf(one)]);
    expect(await outcome(await one.accessToken({ boundTo: client, ...token }))).toBe(code);
    expect(called).toHaveLength(calls);
  });

  test("returns options that are checked like an item of the issuer list", async () => {
    const token = await one.accessToken({ boundTo: client });
    const results: [string, unknown][] = [
      ["the options of another issuer", optionsOf(two)],
      ["unknown options", { ...optionsOf(one), url: "x" }],
      ["no audience", { ...optionsOf(one), audience: undefined }],
      ["a string", one.issuer],
      ["true", true],
      ["null", null],
      ["a list", [optionsOf(one)]],
      ["JWTs as opaque tokens", { ...optionsOf(one), introspection: introspectionOf(one, { jwtsAsOpaque: true }) }],
      ["opaque tokens", { ...optionsOf(one), introspection: introspectionOf(one, { opaqueTokens: true }) }],
    ];
    for (const [name, result] of results) {
      const verifier = createVerifier({ issuer: (() => result) as IssuerFunction, clock: () => now });
      const failure = await verifier
        .verify(token, { clientCertificate: client.certificate })
        .catch((error: unknown) => error);
      expect([name, failure]).toEqual([name, expect.any(TypeError)]);
    }
    const { outcome } = multiTenant([{ issuer: one.issuer, jwks: one.jwks }], { audience: one.audience });
    expect(await outcome(token)).toBe("accepted");
  });

  test("can enable introspection of JWTs, but not of opaque tokens", async () => {
    const introspection = introspectionOf(one, { always: true, cacheDuration: 0, opaqueTokens: undefined });
    const { outcome } = multiTenant([{ ...optionsOf(one), introspection }]);
    const token = await one.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    one.revoke(token);
    expect(await outcome(token)).toBe("ERR_TOKEN_INACTIVE");
    expect(await outcome(await one.opaqueToken({ boundTo: client }))).toBe("ERR_TOKEN_MALFORMED");
  });

  test("adds no issuers to the metadata, and is not called by ready()", async () => {
    const { verifier, called } = multiTenant([optionsOf(one)]);
    const { protectedResource } = createAuthenticator({ verifier, resource: "https://api.example" });
    expect(protectedResource?.metadata()).not.toHaveProperty("authorization_servers");
    await verifier.ready();
    expect(called).toEqual([]);
  });

  test.each([
    ["jwks", { jwks: one.jwks }],
    ["introspection", { introspection: introspectionOf(one) }],
  ])("cannot be combined with the option %s for all issuers", (name, options) => {
    expect(() => multiTenant([], options)).toThrow(`option "${name}" must be set in the options of each issuer`);
  });

  test("must return issuers that meet the profile", async () => {
    const token = await one.accessToken({ boundTo: client, algorithm: "ES256" });
    const lax = multiTenant([optionsOf(one)], { profile: "fapi2" });
    await expect(lax.verifier.verify(token, { clientCertificate: client.certificate })).rejects.toThrow(TypeError);
    const strict = multiTenant([optionsOf(one)], { profile: "fapi2", maxTokenAge: 300 });
    expect(await strict.outcome(token)).toBe("accepted");
    const other = multiTenant([{ ...optionsOf(one), algorithms: ["RS256"] }], { profile: "fapi2", maxTokenAge: 300 });
    await expect(other.verifier.verify(token, { clientCertificate: client.certificate })).rejects.toThrow("RS256");
  });
});

describe("the permission of an issuer function", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("expires after 10 minutes, also for a cached token, both for a request and in verify()", async () => {
    const { verifier, known, outcome } = multiTenant([optionsOf(one)]);
    const authenticate = createAuthenticator({ verifier })();
    const token = await one.accessToken({ boundTo: client });
    const request = requestOver([`Bearer ${token}`], connectionOf(client));
    vi.advanceTimersByTime(minute);
    expect(await outcome(token)).toBe("accepted");
    known.clear();
    vi.advanceTimersByTime(8 * minute);
    // Cached less than 5 minutes before the permission expires.
    expect([await outcome(token), await outcomeOf(authenticate(request))]).toEqual(["accepted", "accepted"]);
    vi.advanceTimersByTime(2 * minute - 1);
    expect([await outcome(token), await outcomeOf(authenticate(request))]).toEqual(["accepted", "accepted"]);
    vi.advanceTimersByTime(1);
    expect([await outcome(token), await outcomeOf(authenticate(request))]).toEqual([
      "ERR_TOKEN_ISSUER",
      "ERR_TOKEN_ISSUER",
    ]);
  });

  test("is renewed with the fetched keys, which survive an outage, unless the options have changed", async () => {
    let isDown = false;
    const fetch = async () => (isDown ? new Response(null, { status: 500 }) : Response.json(one.jwks));
    const tenant = { issuer: one.issuer, audience: one.audience, jwks: "https://keys.example/jwks" };
    const { known, outcome, called } = multiTenant([tenant], { fetch });
    const token = await one.accessToken({ boundTo: client });
    expect(await outcome(token)).toBe("accepted");
    isDown = true;
    vi.advanceTimersByTime(10 * minute);
    known.set(one.issuer, { ...tenant });
    expect([await outcome(token), called.length]).toEqual(["accepted", 2]);
    vi.advanceTimersByTime(10 * minute);
    known.set(one.issuer, { ...tenant, jwks: "https://keys.example/other" });
    expect([await outcome(token), called.length]).toEqual(["ERR_KEYS_UNAVAILABLE", 3]);
  });
});
