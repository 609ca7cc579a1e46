import type { X509Certificate } from "node:crypto";
import type { ClientCertificate } from "../certificate/client-certificate.ts";
import type { AccessTokenError } from "../errors.ts";
import { isJsonObject, ownMember } from "../values/json-object.ts";
import { callback, knownOptions, nonEmptyString, onlyTrue, type OptionRules } from "../values/known-options.ts";
import { type CertificateContext, type CertificatePolicy, untrusted } from "./certificate-policy.ts";
import {
  certificateNeededBy,
  type CertificateSelection,
  parseSelection,
  selectionRules,
} from "./certificate-selection.ts";
import type { CertificateTenants } from "./certificate-tenants.ts";

/** Rules for client certificates. A certificate must meet all given rules. */
export interface CertificateRules extends CertificateSelection {
  /** Requires that the verifier's clock is between `notBefore` and `notAfter`, inclusive (RFC 5280 section 4.1.2.5). */
  readonly currentlyValid?: true | undefined;
  /** Requires that the certificate belongs to the tenant that the token names. */
  readonly tenant?: TenantRule | undefined;
}

/** Compares the tenant of the certificate with the tenant of the token. */
export interface TenantRule {
  /** A function from `certificateTenants`. */
  readonly resolve: CertificateTenants;
  /** The claim that names the tenant, compared as a string. An explicit null accepts every tenant. */
  readonly claim: string | null;
}

const rules: OptionRules<CertificateRules> = {
  ...selectionRules,
  currentlyValid: onlyTrue,
  tenant: { expected: "an object: { resolve, claim }", accepts: isJsonObject },
};

const tenantRules: OptionRules<TenantRule> = {
  resolve: callback,
  claim: {
    expected: "the name of a claim, or null for any tenant",
    accepts: (value) => value === null || nonEmptyString.accepts(value),
  },
};

/**
 * Creates a certificate policy from rules, for APIs that check more than the binding of the token to the certificate.
 *
 * Does not check revocation: use the TLS layer (`crl`) or a custom policy. Among the rules, only `currentlyValid` and
 * `chainVerified` reject an expired certificate that the TLS layer has accepted. A proxy that resumes TLS sessions can
 * report a certificate as verified although it has expired or was revoked since the session started.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#certificateRules -->
 * ```ts
 * const verifier = createVerifier({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificatePolicy: certificateRules({ issuers: [partnerCa], currentlyValid: true }),
 * });
 * ```
 *
 * @throws TypeError if the rules are empty, or if a rule is unknown or has the wrong type
 */
export function certificateRules(given: CertificateRules): CertificatePolicy {
  const known = knownOptions("the certificate rules", given, rules, "not-given");
  if (Object.keys(known).length === 0)
    throw new TypeError("certbound: the certificate rules must contain at least one rule");
  const { currentlyValid, tenant } = known;
  const checkSelection = parseSelection(known);
  const checkTenant = tenant && parseTenant(tenant);
  return (certificate, context): true | AccessTokenError => {
    const reason =
      checkSelection(certificate) ??
      (currentlyValid && checkValidity(certificate.x509, context)) ??
      checkTenant?.(certificate, context);
    return reason === undefined ? true : untrusted(reason);
  };
}

function checkValidity(certificate: X509Certificate | undefined, { now }: CertificateContext): string | undefined {
  if (certificate === undefined) return certificateNeededBy("currentlyValid");
  const { validFrom, validTo } = certificate;
  // A time that cannot be parsed is NaN, which fails both comparisons.
  if (!(now >= Date.parse(validFrom) / 1000)) return "the certificate is not valid yet";
  return now <= Date.parse(validTo) / 1000 ? undefined : "the certificate has expired";
}

function parseTenant(
  given: TenantRule,
): (certificate: ClientCertificate, context: CertificateContext) => string | undefined {
  const { resolve, claim } = knownOptions("the rule tenant", given, tenantRules, "rejected");
  for (const [name, value] of Object.entries({ resolve, claim })) {
    if (value === undefined) throw new TypeError(`certbound: option "${name}" in the rule tenant is missing`);
  }
  return (certificate, { claims }) => {
    const tenant = resolve(certificate);
    if (tenant === undefined) return "the certificate belongs to none of the tenants, or to several of them";
    return claim === null || ownMember(claims, claim) === tenant
      ? undefined
      : "the certificate and the token belong to different tenants";
  };
}
