import { type ClientCertificate, parseClientCertificate } from "../certificate/client-certificate.ts";
import { isJsonObject } from "../values/json-object.ts";
import { knownOptions } from "../values/known-options.ts";
import { type CertificateSelection, parseSelection, selectionRules } from "./certificate-selection.ts";

/** Returns the tenant of a certificate; undefined if the certificate is undefined, or belongs to no tenant or to several. */
export type CertificateTenants = (certificate: ClientCertificate | undefined) => string | undefined;

/**
 * Creates a function that maps client certificates to tenants. Each tenant has a selection of certificates.
 *
 * Use the function in the rule `tenant` of `certificateRules`, and in handlers with `accessToken.clientCertificate`. Does not
 * check whether the certificate is currently valid.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#certificateTenants -->
 * ```ts
 * const tenantOf = certificateTenants({ acme: { issuers: [acmeCa] }, globex: { issuers: [globexCa] } });
 *
 * const verifier = createVerifier({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   // The claim "tenant" of the token must name the tenant of the certificate.
 *   certificatePolicy: certificateRules({ tenant: { resolve: tenantOf, claim: "tenant" } }),
 * });
 * ```
 *
 * @throws TypeError if `tenants` is empty, or if a selection is empty or has a member that is unknown or has the wrong type
 */
export function certificateTenants(tenants: Readonly<Record<string, CertificateSelection>>): CertificateTenants {
  if (!isJsonObject(tenants) || Object.keys(tenants).length === 0) {
    throw new TypeError("certbound: the tenants must be an object with at least one tenant");
  }
  const checks = Object.entries(tenants).map(([name, given]) => {
    const selection = knownOptions(`the tenant "${name}"`, given, selectionRules, "not-given");
    if (Object.keys(selection).length === 0) {
      throw new TypeError(`certbound: the tenant "${name}" must select certificates with at least one member`);
    }
    return { name, check: parseSelection(selection) };
  });
  return (certificate) => {
    const parsed = parseClientCertificate(certificate ?? null);
    if (parsed === undefined) return undefined;
    const [first, ...others] = checks.filter(({ check }) => check(parsed) === undefined);
    return others.length === 0 ? first?.name : undefined;
  };
}
