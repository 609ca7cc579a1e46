import { type AccessTokenOptions, forgeToken, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../src/errors.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { introspectingVerifier, timesAsked } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, rejectionOf } from "./support/outcome.ts";
import { client, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

/** One thing that is wrong with a token, or with how it is presented. */
interface Fault {
  readonly header?: AccessTokenOptions["header"];
  readonly claims?: AccessTokenOptions["claims"];
  readonly change?: (token: string) => string;
  readonly use?: Partial<VerifyOptions>;
}

/** In their order: the first check that rejects gives the code. */
const steps: readonly (readonly [string, Outcome, Fault])[] = [
  ["shape", "ERR_TOKEN_MALFORMED", { change: (token) => `${token}=` }],
  ["algorithm", "ERR_TOKEN_ALGORITHM", { header: { alg: "HS256" } }],
  ["type", "ERR_TOKEN_TYPE", { header: { typ: "logout+jwt" } }],
  ["issuer", "ERR_TOKEN_ISSUER", { claims: { iss: "https://evil.example" } }],
  ["audience", "ERR_TOKEN_AUDIENCE", { claims: { aud: "https://other.example" } }],
  ["time", "ERR_TOKEN_EXPIRED", { claims: { exp: 1 } }],
  ["other claims", "ERR_TOKEN_CLAIM", { claims: { sub: 1 } }],
  ["certificate", "ERR_CERTIFICATE_MISSING", { use: { clientCertificate: null } }],
  ["binding", "ERR_BINDING_MISMATCH", { claims: { cnf: { "x5t#S256": thief.thumbprint } } }],
  ["key", "ERR_TOKEN_KEY_UNKNOWN", { header: { kid: "unknown" } }],
  ["signature", "ERR_TOKEN_SIGNATURE", { change: tamperSignature }],
  ["requirements", "ERR_SCOPE_INSUFFICIENT", { use: { scopes: ["admin"] } }],
];

const issuer = await startIssuer();
const verifier = verifierOf(issuer);

/** Verifies a token with some faults. */
async function verify(...faults: readonly Fault[]): Promise<unknown> {
  const token = await issuer.accessToken({
    boundTo: client,
    header: Object.assign({}, ...faults.map(({ header }) => header)),
    claims: Object.assign({}, ...faults.map(({ claims }) => claims)),
  });
  // The shape is broken last: a token without it cannot be changed in another way.
  const changed = faults.toReversed().reduce((text, { change }) => change?.(text) ?? text, token);
  const use: Partial<VerifyOptions> = Object.assign({}, ...faults.map((fault) => fault.use));
  return verifier.verify(changed, { clientCertificate: client.certificate, ...use });
}

describe("the order of the checks", () => {
  test("is that of a token which passes them all", async () => {
    expect(await outcomeOf(verify())).toBe("accepted");
  });

  test.each(steps)("has a code for a fault in: %s", async (_name, code, fault) => {
    expect(await outcomeOf(verify(fault))).toBe(code);
  });

  test.each(steps.map(([name, code], index) => [name, code, index] as const))(
    "puts %s before everything that follows",
    async (_name, code, index) => {
      const faults = steps.slice(index).map(([, , fault]) => fault);
      expect(await outcomeOf(verify(...faults))).toBe(code);
    },
  );

  const pairs = steps.flatMap((first, index) => steps.slice(index + 1).map((second) => [first, second] as const));

  test.each(pairs.map(([first, second]) => [first[0], second[0], first, second] as const))(
    "puts %s before %s",
    async (_first, _second, first, second) => {
      expect(await outcomeOf(verify(first[2], second[2]))).toBe(first[1]);
    },
  );

  test.each<[string, unknown, unknown]>([
    ["a payload that is not JSON", { alg: "none" }, "text"],
    ["a payload that is a list", { alg: "none" }, []],
    ["a payload that is not JSON, and no alg", {}, "text"],
    ["a payload that is not JSON, and an alg that is a number", { alg: 1 }, "text"],
    ["a crit", { alg: "none", crit: ["b64"] }, {}],
    ["a kid that is a number", { alg: "none", kid: 1 }, {}],
  ])("finds %s before a bad algorithm", async (_name, header, payload) => {
    const token = forgeToken({ header, payload, signature: "AAAA" });
    const verifying = verifier.verify(token, { clientCertificate: null });
    expect(await outcomeOf(verifying)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("puts what is wrong with the token before keys that are unavailable", async () => {
    const dead = await startIssuerInTest();
    const waiting = verifierOf(dead, { jwks: undefined });
    const token = await dead.accessToken({ boundTo: client });
    await dead.close();
    expect(await outcomeOf(waiting.verify(token, { clientCertificate: thief.der }))).toBe("ERR_BINDING_MISMATCH");
    expect(await outcomeOf(waiting.verify(token, { clientCertificate: client.der }))).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test('is the same under "report-only", where neither certificate nor binding reject', async () => {
    const [certificate, binding, key] = steps.slice(7, 10).map(([, , fault]) => fault);
    const use = { validateCertificateBinding: "report-only" } as const;
    expect(await outcomeOf(verify(certificate as Fault, binding as Fault, { use }))).toBe("accepted");
    expect(await outcomeOf(verify(certificate as Fault, key as Fault, { use }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });
});

describe("the detail", () => {
  const unverified = steps.slice(1, 9).filter(([name]) => name !== "certificate");

  test.each(unverified)("says that the signature was not verified when it speaks of: %s", async (_n, code, fault) => {
    const error = await rejectionOf(verify(fault));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(/signature was not verified/);
  });

  test("does not say so of a token that was verified before", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    await verifier.verify(token, { clientCertificate: client.certificate });
    const stolen = await rejectionOf(verifier.verify(token, { clientCertificate: thief.certificate }));
    expect(stolen.code).toBe("ERR_BINDING_MISMATCH");
    expect(stolen.detail).not.toMatch(/not verified/);
  });

  test("does not say so of a certificate, whose error may be the application's own and stays as it is", async () => {
    const reason = new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED", { detail: "the proxy is unknown" });
    expect(await rejectionOf(verify({ use: { clientCertificate: reason } }))).toBe(reason);
    expect(reason.detail).toBe("the proxy is unknown");
  });

  test("does not say so of a binding that is reported, since that of a verified token is", async () => {
    const mismatch = { claims: { cnf: { "x5t#S256": thief.thumbprint } } };
    const reported = await verify(mismatch, { use: { validateCertificateBinding: "report-only" } });
    expect(reported).toMatchObject({ bindingError: { code: "ERR_BINDING_MISMATCH" } });
    expect(reported).not.toMatchObject({ bindingError: { detail: expect.stringContaining("not verified") } });
  });
});

describe("the order of the checks on an opaque token", () => {
  /** One thing that is wrong with a token, with what the issuer says of it, or with how it is presented. */
  interface OpaqueFault {
    readonly change?: (token: string) => string;
    readonly use?: Partial<VerifyOptions>;
    readonly answer?: object;
  }

  /** In their order; nobody is asked before the third. */
  const opaqueSteps: readonly (readonly [string, Outcome, OpaqueFault])[] = [
    ["shape", "ERR_TOKEN_MALFORMED", { change: (token) => `${token} ` }],
    ["certificate", "ERR_CERTIFICATE_MISSING", { use: { clientCertificate: null } }],
    ["activity", "ERR_TOKEN_INACTIVE", { answer: { active: false } }],
    ["type", "ERR_TOKEN_TYPE", { answer: { token_type: "refresh_token" } }],
    ["issuer", "ERR_TOKEN_ISSUER", { answer: { iss: "https://evil.example" } }],
    ["audience", "ERR_TOKEN_AUDIENCE", { answer: { aud: "https://other.example" } }],
    ["time", "ERR_TOKEN_EXPIRED", { answer: { exp: 1 } }],
    ["other claims", "ERR_TOKEN_CLAIM", { answer: { sub: 1 } }],
    ["binding", "ERR_BINDING_MISMATCH", { answer: { cnf: { "x5t#S256": thief.thumbprint } } }],
    ["requirements", "ERR_SCOPE_INSUFFICIENT", { use: { scopes: ["admin"] } }],
  ];

  const good = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint }, scope: "read" };
  const asking = introspectingVerifier(issuer);

  /** Verifies a token with some faults: when the issuer is asked, and again when its answer is cached. */
  async function verifyTwice(...faults: readonly OpaqueFault[]): Promise<readonly [Outcome, Outcome, number]> {
    const token = await issuer.opaqueToken();
    const changed = faults.reduce((text, { change }) => change?.(text) ?? text, token);
    issuer.introspectAs(changed, Object.assign({}, good, ...faults.map(({ answer }) => answer)));
    const use: Partial<VerifyOptions> = Object.assign({}, ...faults.map((fault) => fault.use));
    const verifying = () => asking.verify(changed, { clientCertificate: client.certificate, ...use });
    const before = timesAsked(issuer);
    return [await outcomeOf(verifying()), await outcomeOf(verifying()), timesAsked(issuer) - before];
  }

  test("is that of a token which passes them all", async () => {
    expect(await verifyTwice()).toEqual(["accepted", "accepted", 1]);
  });

  test.each(opaqueSteps.map(([name, code, fault], index) => [name, code, index < 2 ? 0 : 1, fault] as const))(
    "has a code for a fault in: %s",
    async (_name, code, asked, fault) => {
      expect(await verifyTwice(fault)).toEqual([code, code, asked]);
    },
  );

  test.each(opaqueSteps.map(([name, code], index) => [name, code, index] as const))(
    "puts %s before everything that follows, whether or not the answer is cached",
    async (_name, code, index) => {
      const faults = opaqueSteps.slice(index).map(([, , fault]) => fault);
      const asked = opaqueSteps.slice(index).some(([name]) => name === "certificate") ? 0 : 1;
      expect(await verifyTwice(...faults)).toEqual([code, code, asked]);
    },
  );

  const pairs = opaqueSteps.flatMap((first, index) => opaqueSteps.slice(index + 1).map((second) => [first, second]));

  test.each(pairs.map(([first, second]) => [first?.[0], second?.[0], first, second] as const))(
    "puts %s before %s",
    async (_first, _second, first, second) => {
      const [one, two] = await verifyTwice(first?.[2] ?? {}, second?.[2] ?? {});
      expect([one, two]).toEqual([first?.[1], first?.[1]]);
    },
  );

  test('is the same under "report-only", where neither certificate nor binding reject', async () => {
    const use = { validateCertificateBinding: "report-only" } as const;
    const [certificate = {}, activity = {}] = opaqueSteps.slice(1, 3).map(([, , fault]) => fault);
    const [binding = {}, requirements = {}] = opaqueSteps.slice(8).map(([, , fault]) => fault);
    const clientCertificate = { clientCertificate: null };
    expect(await verifyTwice(certificate, binding, { use })).toEqual(["accepted", "accepted", 1]);
    const inactive = ["ERR_TOKEN_INACTIVE", "ERR_TOKEN_INACTIVE", 1];
    expect(await verifyTwice(certificate, activity, { use: { ...use, ...clientCertificate } })).toEqual(inactive);
    const insufficient = ["ERR_SCOPE_INSUFFICIENT", "ERR_SCOPE_INSUFFICIENT", 1];
    const unscoped = { use: { ...use, ...clientCertificate, ...requirements.use } };
    expect(await verifyTwice(binding, unscoped)).toEqual(insufficient);
  });

  test("puts what is wrong with the client before an issuer that is unavailable", async () => {
    const dead = await startIssuerInTest();
    const waiting = introspectingVerifier(dead);
    const token = await dead.opaqueToken({ boundTo: client });
    await dead.close();
    expect(await outcomeOf(waiting.verify(token, { clientCertificate: null }))).toBe("ERR_CERTIFICATE_MISSING");
    expect(await outcomeOf(waiting.verify(`${token} `, { clientCertificate: null }))).toBe("ERR_TOKEN_MALFORMED");
    const verifying = waiting.verify(token, { clientCertificate: thief.certificate, scopes: ["admin"] });
    expect(await outcomeOf(verifying)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });
});
