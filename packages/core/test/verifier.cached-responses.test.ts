import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { IntrospectionOptions } from "../src/options/introspection-configuration.ts";
import { introspectingVerifier, introspectionCount } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf } from "./support/outcome.ts";
import { client, now, startIssuerInTest, thief } from "./support/verification.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  // Simulates a process that has been running for a while.
  vi.advanceTimersByTime(1000);
});
afterEach(() => {
  vi.useRealTimers();
});

/** Creates a verifier and an issuer with the same clock. */
async function scene(introspection: Partial<IntrospectionOptions> = {}) {
  let time = now;
  const clock = () => time;
  const issuer = await startIssuerInTest({ clock });
  const verifier = introspectingVerifier(issuer, introspection, { clock });
  return {
    issuer,
    advance: (seconds: number) => {
      time += seconds * 1000;
      vi.advanceTimersByTime(seconds * 1000);
    },
    /** Returns the outcome, and the total number of introspection requests. */
    verified: async (token: string, identity = client): Promise<readonly [Outcome, number]> => {
      const verifying = verifier.verify(token, { clientCertificate: identity.certificate });
      return [await outcomeOf(verifying), introspectionCount(issuer)];
    },
  };
}

test("a response is used for 30 s, during which a revoked token is still accepted", async () => {
  const { issuer, advance, verified } = await scene();
  const token = await issuer.opaqueToken({ boundTo: client });
  expect(await verified(token)).toEqual(["accepted", 1]);
  issuer.revoke(token);
  advance(29.9);
  expect(await verified(token)).toEqual(["accepted", 1]);
  advance(0.2);
  expect(await verified(token)).toEqual(["ERR_TOKEN_INACTIVE", 2]);
});

test("a response is used for cacheDuration, and not at all if cacheDuration is 0", async () => {
  for (const [cacheDuration, count] of [
    [60, 1],
    [0, 2],
  ] as const) {
    const { issuer, advance, verified } = await scene({ cacheDuration });
    const token = await issuer.opaqueToken({ boundTo: client });
    expect(await verified(token)).toEqual(["accepted", 1]);
    advance(59);
    expect(await verified(token)).toEqual(["accepted", count]);
  }
});

test("a response is not used after the exp of the token, and the token is rejected as expired", async () => {
  const { issuer, advance, verified } = await scene({ cacheDuration: 3600 });
  const token = await issuer.opaqueToken({ boundTo: client, expiresIn: 60 });
  expect(await verified(token)).toEqual(["accepted", 1]);
  advance(64.9);
  expect(await verified(token)).toEqual(["accepted", 1]);
  advance(0.2);
  expect((await verified(token))[0]).toBe("ERR_TOKEN_EXPIRED");
});

test("a response without exp is requested again every 30 s", async () => {
  const { issuer, advance, verified } = await scene();
  const token = await issuer.opaqueToken({ boundTo: client, claims: { exp: undefined } });
  for (const count of [1, 2, 3]) {
    expect(await verified(token)).toEqual(["accepted", count]);
    advance(31);
  }
  issuer.revoke(token);
  expect(await verified(token)).toEqual(["ERR_TOKEN_INACTIVE", 4]);
});

test("a token that was not valid yet becomes valid without a new response", async () => {
  const { issuer, advance, verified } = await scene();
  const token = await issuer.opaqueToken({ boundTo: client, claims: { nbf: now / 1000 + 15 } });
  expect(await verified(token)).toEqual(["ERR_TOKEN_NOT_YET_VALID", 1]);
  advance(10);
  expect(await verified(token)).toEqual(["accepted", 1]);
});

test("an inactive response is cached for 10 s", async () => {
  const { issuer, advance, verified } = await scene({ cacheDuration: 3600 });
  expect(await verified("not-issued-yet")).toEqual(["ERR_TOKEN_INACTIVE", 1]);
  const cnf = { "x5t#S256": client.thumbprint };
  issuer.introspectAs("not-issued-yet", { active: true, aud: issuer.audience, cnf });
  advance(9.9);
  expect(await verified("not-issued-yet")).toEqual(["ERR_TOKEN_INACTIVE", 1]);
  advance(0.2);
  expect(await verified("not-issued-yet")).toEqual(["accepted", 2]);
});

test("an invalid response is not cached", async () => {
  const { issuer, verified } = await scene();
  issuer.introspectAs("token", { active: "true" });
  expect(await verified("token")).toEqual(["ERR_INTROSPECTION_UNAVAILABLE", 1]);
  issuer.introspectAs("token", { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } });
  expect(await verified("token")).toEqual(["accepted", 2]);
});

test("a response is used for one token only, and each client is checked by its certificate", async () => {
  const { issuer, verified } = await scene();
  const [boundToClient, boundToThief] = await Promise.all(
    [client, thief].map((boundTo) => issuer.opaqueToken({ boundTo })),
  );
  expect(await verified(boundToClient ?? "", thief)).toEqual(["ERR_BINDING_MISMATCH", 1]);
  expect(await verified(boundToClient ?? "")).toEqual(["accepted", 1]);
  expect(await verified(boundToThief ?? "")).toEqual(["ERR_BINDING_MISMATCH", 2]);
  expect(await verified(boundToThief ?? "", thief)).toEqual(["accepted", 2]);
  expect(await verified(`${boundToClient}=`)).toEqual(["ERR_TOKEN_INACTIVE", 3]);
});

test("simultaneous requests with one token share one introspection request, and each is checked by its certificate", async () => {
  const { issuer, verified } = await scene({ cacheDuration: 0 });
  const token = await issuer.opaqueToken({ boundTo: client });
  const clients = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? client : thief));
  const outcomes = await Promise.all(clients.map((identity) => verified(token, identity)));
  const expected = clients.map((identity) => (identity === client ? "accepted" : "ERR_BINDING_MISMATCH"));
  expect(outcomes.map(([outcome]) => outcome)).toEqual(expected);
  expect(introspectionCount(issuer)).toBe(1);
});
