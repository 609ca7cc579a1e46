import type { Issuer } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { IntrospectionOptions } from "../../../src/options/introspection-configuration.ts";
import type { Verifier } from "../../../src/verifier.ts";
import type { VerifyOptions } from "../../../src/requirements.ts";
import { json, startEndpoint } from "../../support/endpoint.ts";
import { entries } from "../../support/fleet.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import { introspectionCount } from "../../support/introspector.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { cacheKey, openStore } from "../../support/stores.ts";
import { client, startIssuerInTest, thief, verifierOf } from "../../support/verification.ts";

/** Creates a verifier that introspects opaque tokens at an issuer of the test kit. */
function createIntrospectingVerifier(issuer: Issuer, introspection: Partial<IntrospectionOptions> = {}): Verifier {
  const { introspectionEndpoint: endpoint, introspectionClient } = issuer;
  return verifierOf(issuer, { introspection: { endpoint, ...introspectionClient, ...introspection } });
}

describe("a cached token", () => {
  test("is accepted from its client only", async () => {
    const issuer = await startIssuerInTest();
    const verifier = createIntrospectingVerifier(issuer);
    const token = await issuer.opaqueToken({ boundTo: client });
    const present = (clientCertificate: VerifyOptions["clientCertificate"]) =>
      outcomeOf(verifier.verify(token, { clientCertificate }));
    expect(await present(client.certificate)).toBe("accepted");
    expect(await present(thief.certificate)).toBe("ERR_BINDING_MISMATCH");
    expect(await present(null)).toBe("ERR_CERTIFICATE_MISSING");
    expect(await present("no certificate")).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(await present(client.certificate)).toBe("accepted");
    expect(introspectionCount(issuer)).toBe(1);
  });

  test("is accepted from its client after a thief has presented it first", async () => {
    const issuer = await startIssuerInTest();
    const verifier = createIntrospectingVerifier(issuer);
    const token = await issuer.opaqueToken({ boundTo: client });
    for (const [{ certificate }, outcome] of [
      [thief, "ERR_BINDING_MISMATCH"],
      [client, "accepted"],
    ] as const) {
      expect(await outcomeOf(verifier.verify(token, { clientCertificate: certificate }))).toBe(outcome);
    }
    expect(introspectionCount(issuer)).toBe(1);
  });

  test("is checked separately for each request that waits for one response", async () => {
    const { url, requests, waiting, release } = await startHeldEndpoint();
    const issuer = await startIssuerInTest();
    const verifier = createIntrospectingVerifier(issuer, { endpoint: url });
    const outcomes = [client, thief, client, thief].map(({ certificate }) =>
      outcomeOf(verifier.verify("token", { clientCertificate: certificate })),
    );
    await waiting(1);
    release(json({ active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } }));
    expect(await Promise.all(outcomes)).toEqual([
      "accepted",
      "ERR_BINDING_MISMATCH",
      "accepted",
      "ERR_BINDING_MISMATCH",
    ]);
    expect(requests).toHaveLength(1);
  });

  test("is accepted from its client only, even by another process with the same store", async () => {
    const issuer = await startIssuerInTest();
    const store = openStore();
    const process = () => createIntrospectingVerifier(issuer, { cache: store.cache, cacheKey });
    const token = await issuer.opaqueToken({ boundTo: client });
    await process().verify(token, { clientCertificate: client.certificate });
    await entries(store, 1);
    const attempts = [thief, client].map(({ certificate }) =>
      outcomeOf(process().verify(token, { clientCertificate: certificate })),
    );
    expect(await Promise.all(attempts)).toEqual(["ERR_BINDING_MISMATCH", "accepted"]);
    expect(introspectionCount(issuer)).toBe(1);
  });

  test("has claims that the application cannot change for the next request", async () => {
    const issuer = await startIssuerInTest();
    const verifier = createIntrospectingVerifier(issuer);
    const token = await issuer.opaqueToken({ boundTo: client, claims: { groups: ["users"], deep: { of: {} } } });
    const verify = async () => (await verifier.verify(token, { clientCertificate: client.certificate })).claims;
    const { deep, groups, ...before } = structuredClone(await verify());
    const claims = await verify();
    for (const target of [claims, claims.cnf, claims["groups"], claims["deep"]]) {
      expect(Reflect.set(target as object, "0", "admins")).toBe(false);
      expect(Reflect.set(target as object, "x5t#S256", thief.thumbprint)).toBe(false);
    }
    expect(await verify()).toEqual({ ...before, groups, deep });
  });
});

describe("two verifiers with one store, one of which has signedResponse", () => {
  test.each([
    ["unsigned", "signed", false, true],
    ["signed", "unsigned", true, false],
  ])("do not use %s responses for requests that need %s responses", async (_first, _second, before, after) => {
    const issuer = await startIssuerInTest();
    const store = openStore();
    const verifier = (signedResponse: boolean) =>
      createIntrospectingVerifier(issuer, { cache: store.cache, cacheKey, signedResponse });
    const token = await issuer.opaqueToken({ boundTo: client });
    const counts: number[] = [];
    for (const [signedResponse, count] of [
      [before, 1],
      [before, 1],
      [after, 2],
      [after, 2],
    ] as const) {
      await verifier(signedResponse).verify(token, { clientCertificate: client.certificate });
      await entries(store, count);
      counts.push(introspectionCount(issuer));
    }
    expect(counts).toEqual([1, 1, 2, 2]);
  });

  test("accept a token of an issuer without signed responses only without signedResponse", async () => {
    const issuer = await startIssuerInTest();
    const response = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } };
    const { url: endpoint, requests } = await startEndpoint(json(response));
    const store = openStore();
    const verify = (signedResponse: boolean) => {
      const verifier = createIntrospectingVerifier(issuer, { endpoint, cache: store.cache, cacheKey, signedResponse });
      return outcomeOf(verifier.verify("token", { clientCertificate: client.certificate }));
    };
    expect(await verify(false)).toBe("accepted");
    await entries(store, 1);
    expect(await verify(true)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await verify(false)).toBe("accepted");
    expect(requests).toHaveLength(2);
  });

  test("do not share a response within one process without a store", async () => {
    const issuer = await startIssuerInTest();
    const [unsigned, signed] = [false, true].map((signedResponse) =>
      createIntrospectingVerifier(issuer, { signedResponse }),
    );
    const token = await issuer.opaqueToken({ boundTo: client });
    for (const verifier of [unsigned, signed, unsigned, signed]) {
      await verifier?.verify(token, { clientCertificate: client.certificate });
    }
    expect(introspectionCount(issuer)).toBe(2);
  });
});

describe("a request", () => {
  test.each([
    [null, "ERR_CERTIFICATE_MISSING"],
    ["no certificate", "ERR_CERTIFICATE_MALFORMED"],
  ] as const)("does not cause an introspection request: certificate %j", async (clientCertificate, code) => {
    const endpoint = await startEndpoint(json({ active: true }));
    const verifier = createIntrospectingVerifier(await startIssuerInTest(), { endpoint: endpoint.url });
    expect(await outcomeOf(verifier.verify("token", { clientCertificate }))).toBe(code);
    expect(endpoint.requests).toEqual([]);
  });

  test("causes an introspection request if there is a certificate", async () => {
    const endpoint = await startEndpoint(json({ active: true }));
    const verifier = createIntrospectingVerifier(await startIssuerInTest(), { endpoint: endpoint.url });
    const attempt = verifier.verify("token", { clientCertificate: thief.certificate });
    expect(await outcomeOf(attempt)).toBe("ERR_TOKEN_AUDIENCE");
    expect(endpoint.requests).toHaveLength(1);
  });
});
