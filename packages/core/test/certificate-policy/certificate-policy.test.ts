import { tamperSignature } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAuthenticator } from "../../src/authenticator.ts";
import { certificateRules } from "../../src/certificate-policy/certificate-rules.ts";
import type { CertificateContext, CertificatePolicy } from "../../src/certificate-policy/certificate-policy.ts";
import { type ClientCertificate, parseClientCertificate } from "../../src/certificate/client-certificate.ts";
import { AccessTokenError } from "../../src/errors.ts";
import { introspectionOf } from "../support/introspecting-verifier.ts";
import { outcomeOf, reasonOf, rejectionOf } from "../support/outcome.ts";
import { requestWith } from "../support/requests.ts";
import { client, now, seconds, startIssuer, thief, verifierOf } from "../support/verification.ts";

const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";
const issuer = await startIssuer();
const token = await issuer.accessToken({ boundTo: client, claims: { scope: "read", tenant_id: "acme" } });
const unbound = await issuer.accessToken();
const rejection = new AccessTokenError(UNTRUSTED, { detail: "not on today's list" });

/** Creates a policy that always returns the given decision, and records its calls. */
function policyOf(decision: unknown) {
  const calls: [ClientCertificate, CertificateContext][] = [];
  const policy: CertificatePolicy = (...parameters) => {
    calls.push(parameters);
    return decision as boolean;
  };
  return { calls, policy };
}

const clientCertificate = client.certificate;

describe("a certificate policy", () => {
  test.each<[string, unknown, string]>([
    ["true", true, "accepted"],
    ["false", false, UNTRUSTED],
    ["an error with a detail", rejection, UNTRUSTED],
    ["a promise of true", Promise.resolve(true), "accepted"],
    ["a promise of false", Promise.resolve(false), UNTRUSTED],
    ["a promise of an error", Promise.resolve(rejection), UNTRUSTED],
  ])("decides with %s", async (_case, decision, expected) => {
    const { policy } = policyOf(decision);
    const verifier = verifierOf(issuer, { certificatePolicy: policy });
    // The second request uses the cached token, and calls the policy again.
    expect(await outcomeOf(verifier.verify(token, { clientCertificate }))).toBe(expected);
    expect(await outcomeOf(verifier.verify(token, { clientCertificate }))).toBe(expected);
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a truthy text", "yes"],
    ["1", 1],
    ["an error with another code", new AccessTokenError("ERR_ACCESS_DENIED")],
    ["another error", new Error("untrusted")],
    ["a promise of undefined", Promise.resolve()],
  ])("causes an error of the application if it returns %s", async (_case, decision) => {
    const verifier = verifierOf(issuer, { certificatePolicy: policyOf(decision).policy });
    const reason = await reasonOf(verifier.verify(token, { clientCertificate }));
    expect(reason).toBeInstanceOf(TypeError);
    expect(reason).not.toBeInstanceOf(AccessTokenError);
  });

  test.each<[string, CertificatePolicy]>([
    [
      "throws",
      () => {
        throw rejection;
      },
    ],
    ["rejects", async () => Promise.reject(rejection)],
  ])("causes an error of the application if it %s, even with an AccessTokenError", async (_case, certificatePolicy) => {
    const reason = await reasonOf(verifierOf(issuer, { certificatePolicy }).verify(token, { clientCertificate }));
    expect(reason).not.toBeInstanceOf(AccessTokenError);
    expect(reason).toMatchObject({ cause: rejection });
  });

  test("receives the certificate, the verified claims and the time", async () => {
    const { calls, policy } = policyOf(true);
    const accepted = await verifierOf(issuer, { certificatePolicy: policy }).verify(token, { clientCertificate });
    expect(calls).toStrictEqual([[accepted.clientCertificate, { claims: accepted.claims, now: seconds }]]);
    expect(accepted).toMatchObject({ binding: "verified", claims: { tenant_id: "acme" } });
  });

  test("gives the reason in the detail of its error", async () => {
    const { policy } = policyOf(rejection);
    const verify = verifierOf(issuer, { certificatePolicy: policy }).verify(token, { clientCertificate });
    expect((await rejectionOf(verify)).detail).toBe("not on today's list");
  });

  test("is not called for rejected tokens and bindings", async () => {
    const { calls, policy } = policyOf(true);
    const verifier = verifierOf(issuer, { certificatePolicy: policy });
    const rejected: [string, string | null, string][] = [
      [token, null, "ERR_CERTIFICATE_MISSING"],
      [token, thief.certificate, "ERR_BINDING_MISMATCH"],
      [unbound, client.certificate, "ERR_BINDING_REQUIRED"],
      [tamperSignature(token), client.certificate, "ERR_TOKEN_SIGNATURE"],
    ];
    for (const [text, certificate, code] of rejected) {
      expect(await outcomeOf(verifier.verify(text, { clientCertificate: certificate }))).toBe(code);
    }
    expect(calls).toStrictEqual([]);
    await verifier.verify(token, { clientCertificate });
    expect(calls).toHaveLength(1);
  });

  test("decides before the requirements of the route are checked", async () => {
    const use = { clientCertificate, scopes: ["write"] };
    const decided = async (decision: boolean) =>
      outcomeOf(verifierOf(issuer, { certificatePolicy: () => decision }).verify(token, use));
    expect(await decided(true)).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await decided(false)).toBe(UNTRUSTED);
  });

  test("is called for opaque tokens and introspected JWTs as well", async () => {
    const opaque = await issuer.opaqueToken({ boundTo: client });
    for (const introspection of [introspectionOf(issuer), introspectionOf(issuer, { always: true })]) {
      const verify = async (decision: boolean, text: string) =>
        outcomeOf(
          verifierOf(issuer, { introspection, certificatePolicy: () => decision }).verify(text, { clientCertificate }),
        );
      for (const text of [opaque, token]) {
        expect(await verify(true, text)).toBe("accepted");
        expect(await verify(false, text)).toBe(UNTRUSTED);
      }
    }
  });

  test("is called for every request, even on the same connection", async () => {
    const decisions = [true, false, true];
    const certificate = parseClientCertificate(client.der);
    const authenticate = createAuthenticator({
      verifier: verifierOf(issuer, { certificatePolicy: () => decisions.shift() ?? false }),
      certificateResolver: () => certificate,
    })();
    const socket = {};
    const outcomes: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      outcomes.push(await outcomeOf(authenticate({ ...requestWith(`Bearer ${token}`), socket })));
    }
    expect(outcomes).toStrictEqual(["accepted", UNTRUSTED, "accepted", UNTRUSTED]);
  });

  test("checks validity with the verifier's clock for every request", async () => {
    let time = now;
    const notAfter = Date.parse(parseClientCertificate(client.der)?.x509?.validTo ?? "");
    const certificatePolicy = certificateRules({ currentlyValid: true });
    const verifier = verifierOf(issuer, { certificatePolicy, clock: () => time });
    // The certificate is valid now, and the tokens are valid in 2033.
    expect(notAfter).toBeLessThan(now);
    expect(await outcomeOf(verifier.verify(token, { clientCertificate }))).toBe(UNTRUSTED);
    time = notAfter;
    const early = verifierOf(issuer, { certificatePolicy, clock: () => time });
    const today = await issuer.accessToken({
      boundTo: client,
      claims: { iat: notAfter / 1000, exp: notAfter / 1000 + 60 },
    });
    expect(await outcomeOf(early.verify(today, { clientCertificate }))).toBe("accepted");
    time += 1;
    expect(await outcomeOf(early.verify(today, { clientCertificate }))).toBe(UNTRUSTED);
  });
});

describe("an unbound token", () => {
  const use = { validateCertificateBinding: "when-bound" } as const;

  test("is rejected with a certificate that the policy rejects, and accepted without a certificate", async () => {
    const { calls, policy } = policyOf(false);
    const verifier = verifierOf(issuer, { certificatePolicy: policy });
    expect(await outcomeOf(verifier.verify(unbound, { ...use, clientCertificate }))).toBe(UNTRUSTED);
    expect(calls).toHaveLength(1);
    expect(await outcomeOf(verifier.verify(unbound, { ...use, clientCertificate: null }))).toBe("accepted");
    expect(calls).toHaveLength(1);
  });

  test("is accepted, but stays unbound, with a certificate that the policy accepts", async () => {
    const verifier = verifierOf(issuer, { certificatePolicy: () => true });
    const { binding, presentedCertificate } = {
      presentedCertificate: undefined,
      ...(await verifier.verify(unbound, { ...use, clientCertificate })),
    };
    expect([binding, presentedCertificate?.thumbprint]).toStrictEqual(["unbound", client.thumbprint]);
  });
});

describe("report-only", () => {
  const use = { validateCertificateBinding: "report-only", clientCertificate } as const;

  test("reports a rejection by the policy", async () => {
    const report = await verifierOf(issuer, { certificatePolicy: () => rejection }).verify(token, use);
    expect(report).toMatchObject({
      binding: "rejected",
      clientCertificate: undefined,
      presentedCertificate: { thumbprint: client.thumbprint },
      bindingError: rejection,
      format: "jwt",
      claims: { tenant_id: "acme" },
    });
    expect(Object.isFrozen(report)).toBe(true);
    expect(await verifierOf(issuer, { certificatePolicy: () => true }).verify(token, use)).toMatchObject({
      binding: "verified",
    });
  });

  test("reports a rejected binding without calling the policy", async () => {
    const { calls, policy } = policyOf(false);
    const report = await verifierOf(issuer, { certificatePolicy: policy }).verify(unbound, use);
    expect(report).toMatchObject({ binding: "rejected", bindingError: { code: "ERR_BINDING_REQUIRED" } });
    expect(calls).toStrictEqual([]);
  });
});

describe("a policy that does not settle", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("causes an error of the application after 5 s", async () => {
    let called = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      called = resolve;
    });
    const verifier = verifierOf(issuer, {
      certificatePolicy: async () => {
        called();
        return new Promise(() => {});
      },
    });
    const reason = reasonOf(verifier.verify(token, { clientCertificate }));
    await waiting;
    vi.advanceTimersByTime(5000);
    expect(await reason).toMatchObject({ message: expect.stringContaining("certificatePolicy") });
    expect(await reason).not.toBeInstanceOf(AccessTokenError);
  });
});

test("createVerifier throws a TypeError for a certificatePolicy that is not a function", () => {
  expect(() => verifierOf(issuer, { certificatePolicy: {} as CertificatePolicy })).toThrow(/"certificatePolicy"/);
});
