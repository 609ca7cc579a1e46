import type { Issuer } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { IssuerOptions } from "../src/options/configuration.ts";
import { createVerifier, type Verifier } from "../src/verifier.ts";
import { json, startEndpoint, status } from "./support/endpoint.ts";
import { introspectionOf, introspectingVerifier, introspectionCount } from "./support/introspecting-verifier.ts";
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

/** Returns the outcome, and the names of the issuers that introspected the token. */
async function verified(token: string, identity = client): Promise<object> {
  const issuers = { jwts, opaque, always };
  const counts = () => Object.entries(issuers).map(([name, issuer]) => [name, introspectionCount(issuer)] as const);
  const before = Object.fromEntries(counts());
  const outcome = await outcomeOf(verifier.verify(token, { clientCertificate: identity.certificate }));
  const introspectedBy = counts().flatMap(([name, count]) => (count === before[name] ? [] : [name]));
  return { outcome, introspectedBy };
}

describe("a verifier with several issuers", () => {
  test("introspects opaque tokens only at the issuer that is configured for opaque tokens", async () => {
    const token = await opaque.opaqueToken({ boundTo: client });
    expect(await verified(token)).toEqual({ outcome: "accepted", introspectedBy: ["opaque"] });
    expect(await verified(token, thief)).toEqual({ outcome: "ERR_BINDING_MISMATCH", introspectedBy: ["opaque"] });
    opaque.revoke(token);
    expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", introspectedBy: ["opaque"] });
  });

  test("rejects opaque tokens of the other issuers, even if the other issuers could introspect them", async () => {
    for (const issuer of [jwts, always]) {
      const token = await issuer.opaqueToken({ boundTo: client });
      expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", introspectedBy: ["opaque"] });
    }
  });

  test("introspects JWTs of the issuer with always only at this issuer", async () => {
    const token = await always.accessToken({ boundTo: client });
    expect(await verified(token)).toEqual({ outcome: "accepted", introspectedBy: ["always"] });
    expect(await verified(token, thief)).toEqual({ outcome: "ERR_BINDING_MISMATCH", introspectedBy: [] });
    always.revoke(token);
    expect(await verified(token)).toEqual({ outcome: "ERR_TOKEN_INACTIVE", introspectedBy: ["always"] });
  });

  test("does not introspect JWTs of the other issuers", async () => {
    for (const issuer of [jwts, opaque]) {
      const token = await issuer.accessToken({ boundTo: client });
      issuer.revoke(token);
      expect(await verified(token)).toEqual({ outcome: "accepted", introspectedBy: [] });
      expect(await verified(token, thief)).toEqual({ outcome: "ERR_BINDING_MISMATCH", introspectedBy: [] });
    }
  });

  test("does not introspect a JWT that has the iss of another or of an unknown issuer", async () => {
    const names: readonly [string, Outcome][] = [
      [always.issuer, "ERR_TOKEN_KEY_UNKNOWN"],
      [`${always.issuer}/`, "ERR_TOKEN_ISSUER"],
      ["https://evil.example", "ERR_TOKEN_ISSUER"],
    ];
    for (const [iss, outcome] of names) {
      const token = await jwts.accessToken({ boundTo: client, claims: { iss, aud: always.audience } });
      expect(await verified(token)).toEqual({ outcome, introspectedBy: [] });
    }
  });

  test("checks the audience of each issuer, and rejects a response with the iss of another issuer", async () => {
    const wrong = await opaque.opaqueToken({ boundTo: client, claims: { aud: jwts.audience } });
    expect(await verified(wrong)).toEqual({ outcome: "ERR_TOKEN_AUDIENCE", introspectedBy: ["opaque"] });
    const impersonating = await opaque.opaqueToken({ boundTo: client, claims: { iss: jwts.issuer } });
    expect(await verified(impersonating)).toEqual({ outcome: "ERR_TOKEN_ISSUER", introspectedBy: ["opaque"] });
    const introspected = await always.accessToken({ boundTo: client });
    always.introspectAs(introspected, { active: true, iss: opaque.issuer });
    expect(await verified(introspected)).toEqual({ outcome: "ERR_TOKEN_ISSUER", introspectedBy: ["always"] });
    always.introspectAs(introspected, { active: true, aud: opaque.audience });
    expect(await verified(introspected)).toEqual({ outcome: "ERR_TOKEN_AUDIENCE", introspectedBy: ["always"] });
  });

  test("accepts tokens of the other issuers while one issuer is unavailable", async () => {
    const stopped = await startIssuerInTest();
    const withStoppedIssuer = createVerifier({
      issuer: [configured(jwts), configured(stopped, introspectionOf(stopped, { always: true }))],
      clock: () => now,
    });
    const outcomes = (tokens: readonly string[]) =>
      Promise.all(
        tokens.map((token) => outcomeOf(withStoppedIssuer.verify(token, { clientCertificate: client.certificate }))),
      );
    const tokens = await Promise.all([jwts, stopped].map((issuer) => issuer.accessToken({ boundTo: client })));
    tokens.push(await stopped.opaqueToken({ boundTo: client }));
    await stopped.close();
    const unavailable = "ERR_INTROSPECTION_UNAVAILABLE";
    expect(await outcomes(tokens)).toEqual(["accepted", unavailable, unavailable]);
  });
});

describe("ready", () => {
  const metadata = "/.well-known/oauth-authorization-server";

  test("finds the introspection endpoints, and introspects no token", async () => {
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

  test("sends no request if the endpoint is configured", async () => {
    const issuer = await startIssuerInTest();
    const introspecting = introspectingVerifier(issuer);
    await issuer.close();
    await introspecting.ready();
    expect(issuer.requests).toEqual([]);
  });

  test("fails if no endpoint is found, and succeeds later", async () => {
    const metadataServer = await startEndpoint(status(500, {}));
    const discovering = (url: string): Verifier =>
      introspectingVerifier(jwts, { endpoint: undefined }, { issuer: url, jwks: jwts.jwks });
    const error = await rejectionOf(discovering(metadataServer.url).ready());
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(error.retryAfter).toBeGreaterThan(0);
    const { url: issuer } = metadataServer;
    const documents: readonly [object, Outcome][] = [
      [{ issuer, jwks_uri: `${issuer}/jwks` }, "ERR_INTROSPECTION_UNAVAILABLE"],
      [{ issuer, introspection_endpoint: "http://issuer.example" }, "ERR_INTROSPECTION_UNAVAILABLE"],
      [{ issuer: `${issuer}/`, introspection_endpoint: "https://issuer.example" }, "ERR_INTROSPECTION_UNAVAILABLE"],
      [{ issuer, introspection_endpoint: "https://issuer.example" }, "accepted"],
    ];
    for (const [document, outcome] of documents) {
      metadataServer.respondWith(json(document));
      expect(await outcomeOf(discovering(issuer).ready())).toBe(outcome);
    }
  });

  test("fails if the keys of one issuer, or the endpoint of another, are unavailable", async () => {
    const broken = await startEndpoint(status(500, {}));
    const brokenIssuer = (introspection?: IssuerOptions["introspection"]) => ({
      issuer: broken.url,
      audience: null,
      jwks: introspection && jwts.jwks,
      introspection,
    });
    const ready = (entry: IssuerOptions) => outcomeOf(createVerifier({ issuer: [configured(jwts), entry] }).ready());
    expect(await ready(brokenIssuer())).toBe("ERR_KEYS_UNAVAILABLE");
    expect(await ready(brokenIssuer({ clientId: "api", clientSecret: "s" }))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await ready(configured(opaque, introspectionOf(opaque)))).toBe("accepted");
  });
});
