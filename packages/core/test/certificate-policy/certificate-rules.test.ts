import { createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { type CertificateRules, certificateRules } from "../../src/certificate-policy/certificate-rules.ts";
import { certificateTenants } from "../../src/certificate-policy/certificate-tenants.ts";
import { type ClientCertificate, parseClientCertificate } from "../../src/certificate/client-certificate.ts";
import { AccessTokenError } from "../../src/errors.ts";

const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";
const notBefore = Date.UTC(2033, 0, 1) / 1000;
const notAfter = Date.UTC(2034, 0, 1) / 1000;
const client = await createSelfSignedCertificate({
  notBefore: new Date(notBefore * 1000),
  notAfter: new Date(notAfter * 1000),
});
const other = await createSelfSignedCertificate();
const certificate = parseClientCertificate(client.certificate) as ClientCertificate;

function verdict(rules: CertificateRules, { claims = {}, now = 0 }: { claims?: object; now?: number } = {}): unknown {
  const decision = certificateRules(rules)(certificate, { claims: claims as Record<string, unknown>, now });
  return decision instanceof AccessTokenError ? decision.code : decision;
}

describe("the rule currentlyValid", () => {
  test.each([
    ["rejects before notBefore", notBefore - 0.001, UNTRUSTED],
    ["accepts at notBefore", notBefore, true],
    ["accepts at notAfter", notAfter, true],
    ["rejects after notAfter", notAfter + 0.001, UNTRUSTED],
    ["rejects if the time is NaN", Number.NaN, UNTRUSTED],
  ])("%s", (_case, now, expected) => {
    expect(verdict({ currentlyValid: true }, { now })).toBe(expected);
  });

  test("is not applied by default", () => {
    expect(verdict({ thumbprints: [client.thumbprint] }, { now: notAfter + 1 })).toBe(true);
    expect(verdict({ thumbprints: [client.thumbprint], currentlyValid: true }, { now: notAfter + 1 })).toBe(UNTRUSTED);
  });

  test.each(["validFrom", "validTo"])("rejects if %s cannot be parsed", (member) => {
    const x509 = { validFrom: "Jan  1 00:00:00 2033 GMT", validTo: "Jan  1 00:00:00 2034 GMT" };
    const decide = (dates: object): unknown =>
      certificateRules({ currentlyValid: true })({ thumbprint: client.thumbprint, x509: dates } as ClientCertificate, {
        claims: {},
        now: notBefore + 1,
      });
    expect(decide(x509)).toBe(true);
    expect(decide({ ...x509, [member]: "Bad time value" })).toBeInstanceOf(AccessTokenError);
    expect(decide({ ...x509, validTo: x509.validFrom })).toMatchObject({ detail: expect.stringMatching(/expired/) });
  });
});

describe("the rule tenant", () => {
  const resolve = certificateTenants({
    acme: { thumbprints: [client.thumbprint] },
    globex: { thumbprints: [other.thumbprint] },
  });

  test.each<[string, object, unknown]>([
    ["accepts the tenant that the token names", { tenant_id: "acme" }, true],
    ["rejects another tenant than the token names", { tenant_id: "globex" }, UNTRUSTED],
    ["rejects if the token names no tenant", {}, UNTRUSTED],
    ["rejects if the token names a list of tenants", { tenant_id: ["acme"] }, UNTRUSTED],
    ["rejects if the token names the tenant in an inherited claim", Object.create({ tenant_id: "acme" }), UNTRUSTED],
  ])("%s", (_case, claims, expected) => {
    expect(verdict({ tenant: { resolve, claim: "tenant_id" } }, { claims })).toBe(expected);
  });

  test("accepts any tenant with claim: null", () => {
    expect(verdict({ tenant: { resolve, claim: null } })).toBe(true);
    const none = certificateTenants({ globex: { thumbprints: [other.thumbprint] } });
    expect(verdict({ tenant: { resolve: none, claim: null } })).toBe(UNTRUSTED);
  });

  test("rejects a certificate without a tenant, even if the claim is undefined", () => {
    const tenant = { resolve: () => undefined, claim: "tenant_id" };
    expect(verdict({ tenant }, { claims: { tenant_id: undefined } })).toBe(UNTRUSTED);
    expect(verdict({ tenant: { ...tenant, resolve: () => "acme" } }, { claims: { tenant_id: "acme" } })).toBe(true);
  });

  test.each<[string, unknown]>([
    ["for a function", resolve],
    ["without resolve", { claim: "tenant_id" }],
    ["without claim", { resolve }],
    ["with an undefined claim", { resolve, claim: undefined }],
    ["with an empty claim", { resolve, claim: "" }],
    ["with an unknown member", { resolve, claim: null, claims: "tenant_id" }],
  ])("throws a TypeError: %s", (_case, tenant) => {
    expect(() => certificateRules({ tenant } as CertificateRules)).toThrow(TypeError);
  });
});
