import type { Issuer } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { IntrospectionOptions } from "../../src/introspection-configuration.ts";
import type { Verifier } from "../../src/verifier.ts";
import type { VerifyOptions } from "../../src/verify-options.ts";
import { json, startEndpoint } from "../support/endpoint.ts";
import { entries } from "../support/fleet.ts";
import { startHeldEndpoint } from "../support/held-endpoint.ts";
import { questions } from "../support/introspector.ts";
import { outcomeOf } from "../support/outcome.ts";
import { cacheKey, openStore } from "../support/stores.ts";
import { client, startIssuerInTest, thief, verifierOf } from "../support/verification.ts";

/** A verifier that asks an issuer of the test kit about opaque tokens. */
function askingVerifier(issuer: Issuer, introspection: Partial<IntrospectionOptions> = {}): Verifier {
  const { introspectionEndpoint: endpoint, introspectionClient } = issuer;
  return verifierOf(issuer, { introspection: { endpoint, ...introspectionClient, ...introspection } });
}

describe("a token that is remembered", () => {
  test("is accepted from its client, and from nobody else", async () => {
    const issuer = await startIssuerInTest();
    const verifier = askingVerifier(issuer);
    const token = await issuer.opaqueToken({ boundTo: client });
    const present = (clientCertificate: VerifyOptions["clientCertificate"]) =>
      outcomeOf(verifier.verify(token, { clientCertificate }));
    expect(await present(client.certificate)).toBe("accepted");
    expect(await present(thief.certificate)).toBe("ERR_BINDING_MISMATCH");
    expect(await present(null)).toBe("ERR_CERTIFICATE_MISSING");
    expect(await present("no certificate")).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(await present(client.certificate)).toBe("accepted");
    expect(questions(issuer)).toBe(1);
  });

  test("is not lost to its client when a thief was first", async () => {
    const issuer = await startIssuerInTest();
    const verifier = askingVerifier(issuer);
    const token = await issuer.opaqueToken({ boundTo: client });
    for (const [{ certificate }, outcome] of [
      [thief, "ERR_BINDING_MISMATCH"],
      [client, "accepted"],
    ] as const) {
      expect(await outcomeOf(verifier.verify(token, { clientCertificate: certificate }))).toBe(outcome);
    }
    expect(questions(issuer)).toBe(1);
  });

  test("is judged for each of those who wait for one answer", async () => {
    const { url, requests, waiting, release } = await startHeldEndpoint();
    const issuer = await startIssuerInTest();
    const verifier = askingVerifier(issuer, { endpoint: url });
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

  test("is accepted from its client only by another process with the same store, too", async () => {
    const issuer = await startIssuerInTest();
    const store = openStore();
    const process = () => askingVerifier(issuer, { cache: store.cache, cacheKey });
    const token = await issuer.opaqueToken({ boundTo: client });
    await process().verify(token, { clientCertificate: client.certificate });
    await entries(store, 1);
    const attempts = [thief, client].map(({ certificate }) =>
      outcomeOf(process().verify(token, { clientCertificate: certificate })),
    );
    expect(await Promise.all(attempts)).toEqual(["ERR_BINDING_MISMATCH", "accepted"]);
    expect(questions(issuer)).toBe(1);
  });

  test("has claims that no application can change for the next request", async () => {
    const issuer = await startIssuerInTest();
    const verifier = askingVerifier(issuer);
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

describe("a request that cannot succeed with any token", () => {
  test.each([
    [null, "ERR_CERTIFICATE_MISSING"],
    ["no certificate", "ERR_CERTIFICATE_MALFORMED"],
  ] as const)("has nobody asked: with %j as its certificate", async (clientCertificate, code) => {
    const endpoint = await startEndpoint(json({ active: true }));
    const verifier = askingVerifier(await startIssuerInTest(), { endpoint: endpoint.url });
    expect(await outcomeOf(verifier.verify("token", { clientCertificate }))).toBe(code);
    expect(endpoint.requests).toEqual([]);
  });

  test("has the issuer asked as soon as there is a certificate", async () => {
    const endpoint = await startEndpoint(json({ active: true }));
    const verifier = askingVerifier(await startIssuerInTest(), { endpoint: endpoint.url });
    const attempt = verifier.verify("token", { clientCertificate: thief.certificate });
    expect(await outcomeOf(attempt)).toBe("ERR_TOKEN_AUDIENCE");
    expect(endpoint.requests).toHaveLength(1);
  });
});
