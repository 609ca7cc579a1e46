import { createSelfSignedCertificate } from "@certbound/testing";
import { expect, test } from "vitest";
import type { CertificateSelection } from "../../src/certificate-policy/certificate-selection.ts";
import { certificateTenants } from "../../src/certificate-policy/certificate-tenants.ts";
import { parseClientCertificate } from "../../src/certificate/client-certificate.ts";

const acme = await createSelfSignedCertificate();
const globex = await createSelfSignedCertificate();
const stranger = await createSelfSignedCertificate();

test("certificateTenants returns the tenant of a certificate", () => {
  const tenantOf = certificateTenants({
    acme: { thumbprints: [acme.thumbprint] },
    globex: { thumbprints: [globex.thumbprint], issuers: undefined },
  });
  expect(tenantOf(parseClientCertificate(acme.certificate))).toBe("acme");
  expect(tenantOf({ thumbprint: globex.thumbprint, x509: undefined })).toBe("globex");
  expect(tenantOf(parseClientCertificate(stranger.certificate))).toBeUndefined();
  expect(tenantOf(undefined)).toBeUndefined();
});

test("certificateTenants returns undefined for a certificate of several tenants", () => {
  const thumbprints = [acme.thumbprint];
  const certificate = parseClientCertificate(acme.certificate);
  expect(certificateTenants({ acme: { thumbprints } })(certificate)).toBe("acme");
  expect(certificateTenants({ acme: { thumbprints }, other: { thumbprints } })(certificate)).toBeUndefined();
});

test("certificateTenants reads the members of a plain object again on every call", () => {
  const tenantOf = certificateTenants({ acme: { chainVerified: true, thumbprints: [acme.thumbprint] } });
  const certificate = { thumbprint: acme.thumbprint, x509: undefined, chainVerified: true };
  expect(tenantOf(certificate)).toBe("acme");
  certificate.chainVerified = false;
  expect(tenantOf(certificate)).toBeUndefined();
});

test.each<[string, unknown]>([
  ["undefined", undefined],
  ["without tenants", {}],
  ["a list", [{ thumbprints: [acme.thumbprint] }]],
  ["a tenant without a rule", { acme: {} }],
  ["a tenant with an unknown rule", { acme: { thumbprint: acme.thumbprint } }],
  ["a tenant with only subjectAlternativeNames", { acme: { subjectAlternativeNames: { dns: ["a.example"] } } }],
  ["a tenant with currentlyValid", { acme: { thumbprints: [acme.thumbprint], currentlyValid: true } }],
])("certificateTenants throws a TypeError: %s", (_case, tenants) => {
  expect(() => certificateTenants(tenants as Record<string, CertificateSelection>)).toThrow(TypeError);
});
