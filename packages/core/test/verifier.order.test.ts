import { type AccessTokenOptions, forgeToken, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import type { VerifyOptions } from "../src/verify-options.ts";
import { type Outcome, outcomeOf, refusalOf } from "./support/outcome.ts";
import { client, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

/** One thing that is wrong with a token, or with how it is presented. */
interface Fault {
  readonly header?: AccessTokenOptions["header"];
  readonly claims?: AccessTokenOptions["claims"];
  readonly change?: (token: string) => string;
  readonly use?: Partial<VerifyOptions>;
}

/** In their order: the first check that refuses gives the code. */
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

  test('is the same under "report-only", where neither certificate nor binding refuse', async () => {
    const [certificate, binding, key] = steps.slice(7, 10).map(([, , fault]) => fault);
    const use = { validateCertificateBinding: "report-only" } as const;
    expect(await outcomeOf(verify(certificate as Fault, binding as Fault, { use }))).toBe("accepted");
    expect(await outcomeOf(verify(certificate as Fault, key as Fault, { use }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });
});

describe("the detail", () => {
  const unverified = steps.slice(1, 9).filter(([name]) => name !== "certificate");

  test.each(unverified)("says that the signature was not verified when it speaks of: %s", async (_n, code, fault) => {
    const error = await refusalOf(verify(fault));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(/signature was not verified/);
  });

  test("does not say so of a binding that is reported, since that of a verified token is", async () => {
    const mismatch = { claims: { cnf: { "x5t#S256": thief.thumbprint } } };
    const reported = await verify(mismatch, { use: { validateCertificateBinding: "report-only" } });
    expect(reported).toMatchObject({ bindingError: { code: "ERR_BINDING_MISMATCH" } });
    expect(reported).not.toMatchObject({ bindingError: { detail: expect.stringContaining("not verified") } });
  });
});
