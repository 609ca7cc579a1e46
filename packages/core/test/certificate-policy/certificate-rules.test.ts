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

describe("the validity of the certificate", () => {
  test.each([
    ["before it begins", notBefore - 0.001, UNTRUSTED],
    ["when it begins", notBefore, true],
    ["when it ends", notAfter, true],
    ["after it ended", notAfter + 0.001, UNTRUSTED],
    ["when there is no time", Number.NaN, UNTRUSTED],
  ])("%s", (_case, now, expected) => {
    expect(verdict({ currentlyValid: true }, { now })).toBe(expected);
  });

  test("does not matter where it is not asked for", () => {
    expect(verdict({ thumbprints: [client.thumbprint] }, { now: notAfter + 1 })).toBe(true);
    expect(verdict({ thumbprints: [client.thumbprint], currentlyValid: true }, { now: notAfter + 1 })).toBe(UNTRUSTED);
  });

  test.each(["validFrom", "validTo"])("is rejected when %s cannot be read", (member) => {
    const x509 = { validFrom: "Jan  1 00:00:00 2033 GMT", validTo: "Jan  1 00:00:00 2034 GMT" };
    const judge = (dates: object): unknown =>
      certificateRules({ currentlyValid: true })({ thumbprint: client.thumbprint, x509: dates } as ClientCertificate, {
        claims: {},
        now: notBefore + 1,
      });
    expect(judge(x509)).toBe(true);
    expect(judge({ ...x509, [member]: "Bad time value" })).toBeInstanceOf(AccessTokenError);
    expect(judge({ ...x509, validTo: x509.validFrom })).toMatchObject({ detail: expect.stringMatching(/expired/) });
  });
});

describe("the tenant of the certificate", () => {
  const resolve = certificateTenants({
    acme: { thumbprints: [client.thumbprint] },
    globex: { thumbprints: [other.thumbprint] },
  });

  test.each<[string, object, unknown]>([
    ["the one of the token", { tenant_id: "acme" }, true],
    ["another than that of the token", { tenant_id: "globex" }, UNTRUSTED],
    ["not named by the token", {}, UNTRUSTED],
    ["named among others", { tenant_id: ["acme"] }, UNTRUSTED],
    ["named by an inherited claim", Object.create({ tenant_id: "acme" }), UNTRUSTED],
  ])("is %s", (_case, claims, expected) => {
    expect(verdict({ tenant: { resolve, claim: "tenant_id" } }, { claims })).toBe(expected);
  });

  test("is any tenant, where no claim names it", () => {
    expect(verdict({ tenant: { resolve, claim: null } })).toBe(true);
    const none = certificateTenants({ globex: { thumbprints: [other.thumbprint] } });
    expect(verdict({ tenant: { resolve: none, claim: null } })).toBe(UNTRUSTED);
  });

  test("is none, which no claim names", () => {
    const tenant = { resolve: () => undefined, claim: "tenant_id" };
    expect(verdict({ tenant }, { claims: { tenant_id: undefined } })).toBe(UNTRUSTED);
    expect(verdict({ tenant: { ...tenant, resolve: () => "acme" } }, { claims: { tenant_id: "acme" } })).toBe(true);
  });

  test.each<[string, unknown]>([
    ["a function", resolve],
    ["without resolve", { claim: "tenant_id" }],
    ["without claim", { resolve }],
    ["with an undefined claim", { resolve, claim: undefined }],
    ["with an empty claim", { resolve, claim: "" }],
    ["with an unknown member", { resolve, claim: null, claims: "tenant_id" }],
  ])("is a TypeError: %s", (_case, tenant) => {
    expect(() => certificateRules({ tenant } as CertificateRules)).toThrow(TypeError);
  });
});
