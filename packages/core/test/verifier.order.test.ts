import { type AccessTokenOptions, forgeToken, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../src/errors.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { introspectingVerifier, introspectionCount } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, rejectionOf } from "./support/outcome.ts";
import { client, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

/** One flaw of a token, or of the request that presents it. */
interface Flaw {
  readonly header?: AccessTokenOptions["header"];
  readonly claims?: AccessTokenOptions["claims"];
  readonly change?: (token: string) => string;
  readonly use?: Partial<VerifyOptions>;
}

/** The checks in order; the first one that rejects determines the code. */
const steps: readonly (readonly [string, Outcome, Flaw])[] = [
  ["format", "ERR_TOKEN_MALFORMED", { change: (token) => `${token}=` }],
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

/** Verifies a token with some flaws. */
async function verify(...flaws: readonly Flaw[]): Promise<unknown> {
  const token = await issuer.accessToken({
    boundTo: client,
    header: Object.assign({}, ...flaws.map(({ header }) => header)),
    claims: Object.assign({}, ...flaws.map(({ claims }) => claims)),
  });
  // The format is broken last, because a malformed token cannot be changed in another way.
  const changed = flaws.toReversed().reduce((text, { change }) => change?.(text) ?? text, token);
  const use: Partial<VerifyOptions> = Object.assign({}, ...flaws.map((flaw) => flaw.use));
  return verifier.verify(changed, { clientCertificate: client.certificate, ...use });
}

describe("the order of the checks", () => {
  test("ends with the acceptance of a valid token", async () => {
    expect(await outcomeOf(verify())).toBe("accepted");
  });

  test.each(steps)("reports the code of a flaw in: %s", async (_name, code, flaw) => {
    expect(await outcomeOf(verify(flaw))).toBe(code);
  });

  test.each(steps.map(([name, code], index) => [name, code, index] as const))(
    "puts %s before all later checks",
    async (_name, code, index) => {
      const flaws = steps.slice(index).map(([, , flaw]) => flaw);
      expect(await outcomeOf(verify(...flaws))).toBe(code);
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
  ])("reports %s before an unaccepted algorithm", async (_name, header, payload) => {
    const token = forgeToken({ header, payload, signature: "AAAA" });
    const verifying = verifier.verify(token, { clientCertificate: null });
    expect(await outcomeOf(verifying)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("puts a flaw of the token before unavailable keys", async () => {
    const stopped = await startIssuerInTest();
    const unreachable = verifierOf(stopped, { jwks: undefined });
    const token = await stopped.accessToken({ boundTo: client });
    await stopped.close();
    expect(await outcomeOf(unreachable.verify(token, { clientCertificate: thief.der }))).toBe("ERR_BINDING_MISMATCH");
    expect(await outcomeOf(unreachable.verify(token, { clientCertificate: client.der }))).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test('is the same under "report-only", except that certificate and binding do not reject', async () => {
    const [certificate, binding, key] = steps.slice(7, 10).map(([, , flaw]) => flaw);
    const use = { validateCertificateBinding: "report-only" } as const;
    expect(await outcomeOf(verify(certificate as Flaw, binding as Flaw, { use }))).toBe("accepted");
    expect(await outcomeOf(verify(certificate as Flaw, key as Flaw, { use }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });
});

describe("the detail", () => {
  const unverified = steps.slice(1, 9).filter(([name]) => name !== "certificate");

  test.each(unverified)("states that the signature was not verified if the flaw is in: %s", async (_n, code, flaw) => {
    const error = await rejectionOf(verify(flaw));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(/signature was not verified/);
  });

  test("omits the note on the signature for a token that was verified before", async () => {
    const token = await issuer.accessToken({ boundTo: client });
    await verifier.verify(token, { clientCertificate: client.certificate });
    const stolen = await rejectionOf(verifier.verify(token, { clientCertificate: thief.certificate }));
    expect(stolen.code).toBe("ERR_BINDING_MISMATCH");
    expect(stolen.detail).not.toMatch(/not verified/);
  });

  test("omits the note on the signature for a certificate error, and leaves an error of the application unchanged", async () => {
    const reason = new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED", { detail: "the proxy is unknown" });
    expect(await rejectionOf(verify({ use: { clientCertificate: reason } }))).toBe(reason);
    expect(reason.detail).toBe("the proxy is unknown");
  });

  test("omits the note on the signature for a reported binding, because the signature is verified", async () => {
    const mismatch = { claims: { cnf: { "x5t#S256": thief.thumbprint } } };
    const reported = await verify(mismatch, { use: { validateCertificateBinding: "report-only" } });
    expect(reported).toMatchObject({ bindingError: { code: "ERR_BINDING_MISMATCH" } });
    expect(reported).not.toMatchObject({ bindingError: { detail: expect.stringContaining("not verified") } });
  });
});

describe("the order of the checks on an opaque token", () => {
  /** One flaw of a token, of its introspection response, or of the request that presents it. */
  interface OpaqueFlaw {
    readonly change?: (token: string) => string;
    readonly use?: Partial<VerifyOptions>;
    readonly response?: object;
  }

  /** The checks in order; introspection starts with the third. */
  const opaqueSteps: readonly (readonly [string, Outcome, OpaqueFlaw])[] = [
    ["format", "ERR_TOKEN_MALFORMED", { change: (token) => `${token} ` }],
    ["certificate", "ERR_CERTIFICATE_MISSING", { use: { clientCertificate: null } }],
    ["activity", "ERR_TOKEN_INACTIVE", { response: { active: false } }],
    ["type", "ERR_TOKEN_TYPE", { response: { token_type: "refresh_token" } }],
    ["issuer", "ERR_TOKEN_ISSUER", { response: { iss: "https://evil.example" } }],
    ["audience", "ERR_TOKEN_AUDIENCE", { response: { aud: "https://other.example" } }],
    ["time", "ERR_TOKEN_EXPIRED", { response: { exp: 1 } }],
    ["other claims", "ERR_TOKEN_CLAIM", { response: { sub: 1 } }],
    ["binding", "ERR_BINDING_MISMATCH", { response: { cnf: { "x5t#S256": thief.thumbprint } } }],
    ["requirements", "ERR_SCOPE_INSUFFICIENT", { use: { scopes: ["admin"] } }],
  ];

  const good = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint }, scope: "read" };
  const introspecting = introspectingVerifier(issuer);

  /** Verifies a token with some flaws twice: first with introspection, then with the cached response. */
  async function verifyTwice(...flaws: readonly OpaqueFlaw[]): Promise<readonly [Outcome, Outcome, number]> {
    const token = await issuer.opaqueToken();
    const changed = flaws.reduce((text, { change }) => change?.(text) ?? text, token);
    issuer.introspectAs(changed, Object.assign({}, good, ...flaws.map(({ response }) => response)));
    const use: Partial<VerifyOptions> = Object.assign({}, ...flaws.map((flaw) => flaw.use));
    const verifying = () => introspecting.verify(changed, { clientCertificate: client.certificate, ...use });
    const before = introspectionCount(issuer);
    return [await outcomeOf(verifying()), await outcomeOf(verifying()), introspectionCount(issuer) - before];
  }

  test("ends with the acceptance of a valid token", async () => {
    expect(await verifyTwice()).toEqual(["accepted", "accepted", 1]);
  });

  test.each(opaqueSteps.map(([name, code, flaw], index) => [name, code, index < 2 ? 0 : 1, flaw] as const))(
    "reports the code of a flaw in: %s",
    async (_name, code, requests, flaw) => {
      expect(await verifyTwice(flaw)).toEqual([code, code, requests]);
    },
  );

  test.each(opaqueSteps.map(([name, code], index) => [name, code, index] as const))(
    "puts %s before all later checks, whether or not the response is cached",
    async (_name, code, index) => {
      const flaws = opaqueSteps.slice(index).map(([, , flaw]) => flaw);
      const requests = opaqueSteps.slice(index).some(([name]) => name === "certificate") ? 0 : 1;
      expect(await verifyTwice(...flaws)).toEqual([code, code, requests]);
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

  test('is the same under "report-only", except that certificate and binding do not reject', async () => {
    const use = { validateCertificateBinding: "report-only" } as const;
    const [certificate = {}, activity = {}] = opaqueSteps.slice(1, 3).map(([, , flaw]) => flaw);
    const [binding = {}, requirements = {}] = opaqueSteps.slice(8).map(([, , flaw]) => flaw);
    const clientCertificate = { clientCertificate: null };
    expect(await verifyTwice(certificate, binding, { use })).toEqual(["accepted", "accepted", 1]);
    const inactive = ["ERR_TOKEN_INACTIVE", "ERR_TOKEN_INACTIVE", 1];
    expect(await verifyTwice(certificate, activity, { use: { ...use, ...clientCertificate } })).toEqual(inactive);
    const insufficient = ["ERR_SCOPE_INSUFFICIENT", "ERR_SCOPE_INSUFFICIENT", 1];
    const unscoped = { use: { ...use, ...clientCertificate, ...requirements.use } };
    expect(await verifyTwice(binding, unscoped)).toEqual(insufficient);
  });

  test("puts a flaw of the client before an unavailable issuer", async () => {
    const stopped = await startIssuerInTest();
    const unreachable = introspectingVerifier(stopped);
    const token = await stopped.opaqueToken({ boundTo: client });
    await stopped.close();
    expect(await outcomeOf(unreachable.verify(token, { clientCertificate: null }))).toBe("ERR_CERTIFICATE_MISSING");
    expect(await outcomeOf(unreachable.verify(`${token} `, { clientCertificate: null }))).toBe("ERR_TOKEN_MALFORMED");
    const verifying = unreachable.verify(token, { clientCertificate: thief.certificate, scopes: ["admin"] });
    expect(await outcomeOf(verifying)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });
});
