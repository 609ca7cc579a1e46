import type { Issuer } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { IssuerOptions } from "../src/options/configuration.ts";
import { createVerifier, type Verifier } from "../src/verifier.ts";
import { json, startEndpoint, status } from "./support/endpoint.ts";
import { introspectionOf, introspectingVerifier, timesAsked } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, rejectionOf } from "./support/outcome.ts";
import { client, now, startIssuer, startIssuerInTest, thief } from "./support/verification.ts";

const [jwts, opaque, always] = await Promise.all([
  startIssuer({ audience: "https://jwts.example" }),
  startIssuer({ audience: "https://opaque.example" }),
  startIssuer({ audience: "https://always.example" }),
]);

function configured(issuer: Issuer, introspection?: IssuerOptions["introspection"]): IssuerOptions {
  return { issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks, introspection };
}

const verifier = createVerifier({
  issuer: [
    configured(jwts),
    configured(always, introspectionOf(always, { always: true, opaqueTokens: false, cacheDuration: 0 })),
    configured(opaque, introspectionOf(opaque, { cacheDuration: 0 })),
  ],
  clock: () => now,
});

/** How verifying a token ended, and how often each issuer was asked about it. */
async function verified(token: string, identity = client): Promise<object> {
  const issuers = { jwts, opaque, always };
  const counts = () => Object.entries(issuers).map(([name, issuer]) => [name, timesAsked(issuer)] as const);
  const before = Object.fromEntries(counts());
  const outcome = await outcomeOf(verifier.verify(token, { clientCertificate: identity.certificate }));
  const asked = counts().flatMap(([name, count]) => (count === before[name] ? [] : [name]));
  return { outcome, asked };
}

describe("of several issuers", () => {
  test("the one that has opaque tokens is asked about them, and nobody else", async () => {
    const token = await opaque.opaqueToken({ boundTo: client });
    expect(await verified(token)).toEqual({ outcome: "accepted", asked: ["opaque"] });
    expect(await verified(token, thief)).toEqual({ outcome: "ERR_BINDING_MISMATCH", asked: ["opaque"] });
    opaque.revoke(token);
    expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", asked: ["opaque"] });
  });

  test("the others cannot have opaque tokens, even those that would know them", async () => {
    for (const issuer of [jwts, always]) {
      const token = await issuer.opaqueToken({ boundTo: client });
      expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", asked: ["opaque"] });
    }
  });

  test("the one with always is asked about its own JWTs, and nobody else", async () => {
    const token = await always.accessToken({ boundTo: client });
    expect(await verified(token)).toEqual({ outcome: "accepted", asked: ["always"] });
    expect(await verified(token, thief)).toEqual({ outcome: "ERR_BINDING_MISMATCH", asked: [] });
    always.revoke(token);
    expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", asked: ["always"] });
  });

  test("nobody is asked about the JWTs of the others", async () => {
    for (const issuer of [jwts, opaque]) {
      const token = await issuer.accessToken({ boundTo: client });
      issuer.revoke(token);
      expect(await verified(token)).toEqual({ outcome: "accepted", asked: [] });
      expect(await verified(token, thief)).toEqual({ outcome: "ERR_BINDING_MISMATCH", asked: [] });
    }
  });

  test("nobody is asked about a JWT that one signs in the name of another, or of nobody", async () => {
    const names: readonly [string, Outcome][] = [
      [always.issuer, "ERR_TOKEN_KEY_UNKNOWN"],
      [`${always.issuer}/`, "ERR_TOKEN_ISSUER"],
      ["https://evil.example", "ERR_TOKEN_ISSUER"],
    ];
    for (const [iss, outcome] of names) {
      const token = await jwts.accessToken({ boundTo: client, claims: { iss, aud: always.audience } });
      expect(await verified(token)).toEqual({ outcome, asked: [] });
    }
  });

  test("each is judged by its own audience, and speaks for itself only", async () => {
    const wrong = await opaque.opaqueToken({ boundTo: client, claims: { aud: jwts.audience } });
    expect(await verified(wrong)).toEqual({ outcome: "ERR_TOKEN_AUDIENCE", asked: ["opaque"] });
    const posing = await opaque.opaqueToken({ boundTo: client, claims: { iss: jwts.issuer } });
    expect(await verified(posing)).toEqual({ outcome: "ERR_TOKEN_ISSUER", asked: ["opaque"] });
    const told = await always.accessToken({ boundTo: client });
    always.introspectAs(told, { active: true, iss: opaque.issuer });
    expect(await verified(told)).toEqual({ outcome: "ERR_TOKEN_ISSUER", asked: ["always"] });
    always.introspectAs(told, { active: true, aud: opaque.audience });
    expect(await verified(told)).toEqual({ outcome: "ERR_TOKEN_AUDIENCE", asked: ["always"] });
  });

  test("one that cannot be asked keeps none of the others' tokens out", async () => {
    const dead = await startIssuerInTest();
    const beside = createVerifier({
      issuer: [configured(jwts), configured(dead, introspectionOf(dead, { always: true }))],
      clock: () => now,
    });
    const outcomes = (tokens: readonly string[]) =>
      Promise.all(tokens.map((token) => outcomeOf(beside.verify(token, { clientCertificate: client.certificate }))));
    const tokens = await Promise.all([jwts, dead].map((issuer) => issuer.accessToken({ boundTo: client })));
    tokens.push(await dead.opaqueToken({ boundTo: client }));
    await dead.close();
    const unavailable = "ERR_INTROSPECTION_UNAVAILABLE";
    expect(await outcomes(tokens)).toEqual(["accepted", unavailable, unavailable]);
  });
});

describe("ready", () => {
  const metadata = "/.well-known/oauth-authorization-server";

  test("finds the endpoint of each issuer that is to be asked, and asks about no token", async () => {
    const [one, two, three] = await Promise.all([startIssuerInTest(), startIssuerInTest(), startIssuerInTest()]);
    const discovering = createVerifier({
      issuer: [
        configured(one, introspectionOf(one, { endpoint: undefined })),
        configured(two, introspectionOf(two, { endpoint: undefined, always: true, opaqueTokens: false })),
        configured(three),
      ],
      clock: () => now,
    });
    await discovering.ready();
    expect([one.requests, two.requests, three.requests]).toEqual([[metadata], [metadata], []]);
    const token = await one.opaqueToken({ boundTo: client });
    expect(await outcomeOf(discovering.verify(token, { clientCertificate: client.certificate }))).toBe("accepted");
    expect(one.requests).toEqual([metadata, "/introspect"]);
  });

  test("has nothing to find where the endpoint is configured", async () => {
    const issuer = await startIssuerInTest();
    const asking = introspectingVerifier(issuer);
    await issuer.close();
    await asking.ready();
    expect(issuer.requests).toEqual([]);
  });

  test("fails when there is no endpoint to be found, and succeeds later", async () => {
    const without = await startEndpoint(status(500, {}));
    const discovering = (url: string): Verifier =>
      introspectingVerifier(jwts, { endpoint: undefined }, { issuer: url, jwks: jwts.jwks });
    const error = await rejectionOf(discovering(without.url).ready());
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(error.retryAfter).toBeGreaterThan(0);
    const { url: issuer } = without;
    const answers: readonly [object, Outcome][] = [
      [{ issuer, jwks_uri: `${issuer}/jwks` }, "ERR_INTROSPECTION_UNAVAILABLE"],
      [{ issuer, introspection_endpoint: "http://issuer.example" }, "ERR_INTROSPECTION_UNAVAILABLE"],
      [{ issuer: `${issuer}/`, introspection_endpoint: "https://issuer.example" }, "ERR_INTROSPECTION_UNAVAILABLE"],
      [{ issuer, introspection_endpoint: "https://issuer.example" }, "accepted"],
    ];
    for (const [document, outcome] of answers) {
      without.answer(json(document));
      expect(await outcomeOf(discovering(issuer).ready())).toBe(outcome);
    }
  });

  test("fails for the keys of one issuer, or for the endpoint of another", async () => {
    const broken = await startEndpoint(status(500, {}));
    const asked = (introspection?: IssuerOptions["introspection"]) => ({
      issuer: broken.url,
      audience: null,
      jwks: introspection && jwts.jwks,
      introspection,
    });
    const ready = (entry: IssuerOptions) => outcomeOf(createVerifier({ issuer: [configured(jwts), entry] }).ready());
    expect(await ready(asked())).toBe("ERR_KEYS_UNAVAILABLE");
    expect(await ready(asked({ clientId: "api", clientSecret: "s" }))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await ready(configured(opaque, introspectionOf(opaque)))).toBe("accepted");
  });
});
