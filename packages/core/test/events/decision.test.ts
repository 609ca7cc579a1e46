import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { tamperSignature } from "@certbound/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AuthenticatorOptions, createAuthenticator } from "../../src/authenticator.ts";
import { type DecisionEvent, isDecisionObserved, observeDecision } from "../../src/events/decision.ts";
import { AccessTokenError } from "../../src/errors.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import type { Requirements } from "../../src/requirements.ts";
import { eventsOf } from "../support/events.ts";
import { introspectingVerifier } from "../support/introspecting-verifier.ts";
import { outcomeOf } from "../support/outcome.ts";
import { whilePrototypeIsPolluted } from "../support/polluted-prototype.ts";
import { requestWith } from "../support/requests.ts";
import { client, startIssuer, thief, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer();
const verifier = verifierOf(issuer);
const duration = expect.any(Number);
const ofIssuer = { issuer: issuer.issuer, duration };
const fresh = () => issuer.accessToken({ boundTo: client, claims: { client_id: "payments", scope: "read" } });

type Options = Partial<AuthenticatorOptions<NodeRequest>>;

/** Sends a request with a token through an authenticator, and returns the outcome. */
async function send(token: string, options: Options = {}, requirements: Requirements<NodeRequest> = {}) {
  const all = {
    verifier,
    certificateResolver: () => client.certificate,
    ...options,
  } as AuthenticatorOptions<NodeRequest>;
  return outcomeOf(createAuthenticator(all)(requirements)(requestWith(`Bearer ${token}`)));
}

describe("certbound:decision", () => {
  test("publishes an accepted token, first as new and then as cached", async () => {
    const token = await fresh();
    const events = eventsOf("certbound:decision");
    expect([await send(token), await send(token)]).toEqual(["accepted", "accepted"]);
    const accepted = { outcome: "accepted", binding: "verified", clientId: "payments", ...ofIssuer };
    expect(events).toStrictEqual([
      { ...accepted, cached: false },
      { ...accepted, cached: true },
    ]);
  });

  test("publishes a stolen token, without its client until the signature is verified", async () => {
    const token = await fresh();
    const events = eventsOf("certbound:decision");
    const stolen = { certificateResolver: () => thief.certificate };
    await send(token, stolen);
    await send(token);
    await send(token, stolen);
    const rejected = {
      outcome: "rejected",
      code: "ERR_BINDING_MISMATCH",
      detail: expect.stringContaining("thumbprint"),
    };
    expect(events).toStrictEqual([
      { ...rejected, cached: false, ...ofIssuer },
      expect.objectContaining({ outcome: "accepted" }),
      { ...rejected, cached: true, clientId: "payments", ...ofIssuer },
    ]);
  });

  test("publishes the client of a new token that does not meet the route's requirements", async () => {
    const events = eventsOf("certbound:decision");
    await send(await fresh(), {}, { scopes: ["write"] });
    const rejected = { outcome: "rejected", code: "ERR_SCOPE_INSUFFICIENT", detail: expect.any(String) };
    expect(events).toStrictEqual([{ ...rejected, clientId: "payments", cached: false, ...ofIssuer }]);
  });

  test("omits an issuer that is not configured, and a client_id that is not a string", async () => {
    const events = eventsOf("certbound:decision");
    await send(await issuer.accessToken({ boundTo: client, claims: { iss: "https://other.example" } }));
    await send(await issuer.accessToken({ boundTo: client, claims: { client_id: 7 } }));
    await send("a.b");
    const rejected = { outcome: "rejected", detail: expect.any(String), duration };
    expect(events).toStrictEqual([
      { ...rejected, code: "ERR_TOKEN_ISSUER", cached: false },
      { ...rejected, code: "ERR_TOKEN_CLAIM", cached: false, issuer: issuer.issuer },
      { ...rejected, code: "ERR_TOKEN_MALFORMED" },
    ]);
  });

  test("publishes a request without a token", async () => {
    const events = eventsOf("certbound:decision");
    const protect = createAuthenticator({ verifier });
    expect(await outcomeOf(protect()(requestWith()))).toBe("ERR_TOKEN_MISSING");
    expect(events).toStrictEqual([
      { outcome: "rejected", code: "ERR_TOKEN_MISSING", detail: expect.any(String), duration },
    ]);
  });

  test("publishes as reported only the token that required binding would have rejected", async () => {
    const events = eventsOf("certbound:decision");
    const token = await issuer.accessToken({ boundTo: client, header: { typ: "at+jwt" } });
    const reporting = { validateCertificateBinding: "report-only" } as const;
    expect(await send(token, { certificateResolver: () => thief.certificate }, reporting)).toBe("accepted");
    expect(await send(token, {}, reporting)).toBe("accepted");
    expect(events).toStrictEqual([
      expect.objectContaining({
        outcome: "reported",
        binding: "rejected",
        code: "ERR_BINDING_MISMATCH",
        detail: expect.any(String),
      }),
      expect.objectContaining({ outcome: "accepted" }),
    ]);
    expect(events[1]).not.toHaveProperty("code");
  });

  test('distinguishes bound from unbound tokens under "when-bound"', async () => {
    const events = eventsOf("certbound:decision");
    const whenBound = { validateCertificateBinding: "when-bound" } as const;
    const header = { typ: "at+jwt" };
    for (const boundTo of [client, undefined]) {
      const token = await issuer.accessToken({ header, ...(boundTo && { boundTo }) });
      expect(await send(token, {}, whenBound)).toBe("accepted");
    }
    expect(events.map(({ outcome, binding }) => [outcome, binding])).toEqual([
      ["accepted", "verified"],
      ["accepted", "unbound"],
    ]);
  });

  test.each<[string, Options, Requirements<NodeRequest>]>([
    [
      "the certificate resolver",
      {
        certificateResolver: () => {
          throw new Error("MARKER");
        },
      },
      {},
    ],
    [
      "the asynchronous certificate resolver",
      {
        certificateResolver: async () => {
          throw new Error("MARKER");
        },
      },
      {},
    ],
    [
      "authorize",
      {},
      {
        authorize: () => {
          throw new Error("MARKER");
        },
      },
    ],
  ])("publishes that %s failed, without the error", async (_name, options, requirements) => {
    const events = eventsOf("certbound:decision");
    await expect(send(await fresh(), options, requirements)).rejects.toThrow("this is an error of the application");
    expect(events).toStrictEqual([expect.objectContaining({ outcome: "failed" })]);
    expect(JSON.stringify(events)).not.toMatch(/MARKER|code|detail/);
  });

  test("publishes an asynchronous rejection once, before it calls onRejected", async () => {
    const events = eventsOf("certbound:decision");
    const calls: string[] = [];
    await send(await fresh(), {
      certificateResolver: async () => thief.certificate,
      onRejected: ({ code }) => void calls.push(`${code} after ${events.length}`),
    });
    expect(events).toHaveLength(1);
    expect(calls).toEqual(["ERR_BINDING_MISMATCH after 1"]);
  });

  test.each<[string, object, string | undefined]>([
    ["client_id", { client_id: "payments" }, "payments"],
    ["client_id and azp", { client_id: "payments", azp: "other" }, "payments"],
    ["azp and no client_id, as from Keycloak and Auth0", { client_id: undefined, azp: "payments" }, "payments"],
    ["a list as azp", { client_id: undefined, azp: ["payments"] }, undefined],
    ["a number as azp", { client_id: undefined, azp: 7 }, undefined],
    ["neither claim", { client_id: undefined }, undefined],
    ["sub only", { client_id: undefined, sub: "payments" }, undefined],
  ])("publishes the client of a token with %s, if it has one, cached or not", async (_name, claims, clientId) => {
    const token = await issuer.accessToken({ boundTo: client, claims: { ...claims } });
    const events = eventsOf("certbound:decision");
    expect([await send(token), await send(token)]).toEqual(["accepted", "accepted"]);
    expect(events.map((event) => event.clientId)).toEqual([clientId, clientId]);
    expect(events.map((event) => Object.hasOwn(event, "clientId"))).toEqual(Array(2).fill(clientId !== undefined));
  });

  test("omits a client that is an inherited member, or whose token has no verified signature", async () => {
    const token = await issuer.accessToken({ boundTo: client, claims: { client_id: undefined } });
    const forged = tamperSignature(await issuer.accessToken({ boundTo: client, claims: { azp: "payments" } }));
    const events = eventsOf("certbound:decision");
    await whilePrototypeIsPolluted("azp", "payments", () => send(token));
    expect(await send(forged)).toBe("ERR_TOKEN_SIGNATURE");
    expect(events.map((event) => event.clientId)).toEqual([undefined, undefined]);
  });

  test("publishes the azp of an opaque token without client_id as its client", async () => {
    const introspecting = { verifier: introspectingVerifier(issuer) };
    const response = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } };
    issuer.introspectAs("opaque-3", { ...response, azp: "payments" });
    issuer.introspectAs("opaque-4", { ...response, azp: { payments: true } });
    const events = eventsOf("certbound:decision");
    expect([await send("opaque-3", introspecting), await send("opaque-4", introspecting)]).toEqual([
      "accepted",
      "accepted",
    ]);
    expect(events.map((event) => event.clientId)).toEqual(["payments", undefined]);
  });

  test("publishes the introspecting issuer and the client of an opaque token", async () => {
    const introspecting = { verifier: introspectingVerifier(issuer) };
    issuer.introspectAs("opaque-1", {
      active: true,
      aud: issuer.audience,
      client_id: "payments",
      cnf: { "x5t#S256": client.thumbprint },
    });
    const events = eventsOf("certbound:decision");
    expect(await send("opaque-1", introspecting)).toBe("accepted");
    expect(await send("opaque-2", introspecting)).toBe("ERR_TOKEN_INACTIVE");
    expect(events).toStrictEqual([
      { outcome: "accepted", binding: "verified", clientId: "payments", ...ofIssuer },
      { outcome: "rejected", code: "ERR_TOKEN_INACTIVE", detail: expect.any(String), ...ofIssuer },
    ]);
  });

  test("publishes every call of verify, except those with invalid options", async () => {
    const events = eventsOf("certbound:decision");
    const token = await fresh();
    const verify = (clientCertificate: unknown, more: object = {}) =>
      verifier.verify(token, { clientCertificate: clientCertificate as string, ...more });
    await verify(client.certificate);
    expect(await outcomeOf(verify(null))).toBe("ERR_CERTIFICATE_MISSING");
    const failing = verify(client.certificate, {
      authorize: () => {
        throw new Error("MARKER");
      },
    });
    await expect(failing).rejects.toThrow("error of the application");
    await expect(verify(undefined)).rejects.toThrow(TypeError);
    expect(events.map(({ outcome, code, clientId }) => [outcome, code, clientId])).toEqual([
      ["accepted", undefined, "payments"],
      ["rejected", "ERR_CERTIFICATE_MISSING", "payments"],
      ["failed", undefined, "payments"],
    ]);
  });

  test("publishes an event that no listener can change for the next one", async () => {
    const meddler = (event: unknown): void => void Reflect.set(event as object, "outcome", "rejected");
    subscribe("certbound:decision", meddler);
    onTestFinished(() => void unsubscribe("certbound:decision", meddler));
    const events = eventsOf("certbound:decision");
    await send(await fresh());
    expect(events).toStrictEqual([expect.objectContaining({ outcome: "accepted" })]);
  });
});

describe("observeDecision", () => {
  test("returns undefined without a subscriber", () => {
    expect(isDecisionObserved()).toBe(false);
    expect(observeDecision()).toBeUndefined();
    eventsOf("certbound:decision");
    expect(isDecisionObserved()).toBe(true);
    expect(observeDecision()).toBeDefined();
  });

  test("measures the time from its call to the outcome", () => {
    const events: readonly DecisionEvent[] = eventsOf("certbound:decision");
    const before = performance.now();
    const observation = observeDecision();
    const began = performance.now();
    while (performance.now() < began + 3);
    const ended = performance.now();
    observation?.threw(new AccessTokenError("ERR_TOKEN_EXPIRED"));
    const after = performance.now();
    expect(events[0]?.duration).toBeGreaterThanOrEqual(ended - began);
    expect(events[0]?.duration).toBeLessThanOrEqual(after - before);
    expect(events[0]).toStrictEqual({ outcome: "rejected", code: "ERR_TOKEN_EXPIRED", duration });
  });
});
