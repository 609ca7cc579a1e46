import type { X509Certificate } from "node:crypto";
import type { ClientCertificate } from "../certificate/client-certificate.ts";
import type { AccessTokenError } from "../errors.ts";
import { isJsonObject, ownMember } from "../values/json-object.ts";
import { callback, knownOptions, nonEmptyString, onlyTrue, type OptionRules } from "../values/known-options.ts";
import { type CertificateContext, type CertificatePolicy, untrusted } from "./certificate-policy.ts";
import { type CertificateSelection, parseSelection, selectionRules } from "./certificate-selection.ts";
import type { CertificateTenants } from "./certificate-tenants.ts";

/** What a client certificate must be; all that is given must hold. */
export interface CertificateRules extends CertificateSelection {
  /** The verifier's clock is within `notBefore` and `notAfter`, both included (RFC 5280 section 4.1.2.5). */
  readonly currentlyValid?: true | undefined;
  /** The certificate belongs to a tenant, and to the one that the token names. */
  readonly tenant?: TenantRule | undefined;
}

/** Compares the tenant that a certificate belongs to with the one that the token is for. */
export interface TenantRule {
  /** Made by `certificateTenants`. */
  readonly resolve: CertificateTenants;
  /** The claim that names the tenant, a string that must be equal; null, written out: any tenant will do. */
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
 * Makes a certificate policy of ready-made rules, for those who need more than that the token is bound to the certificate.
 *
 * It does not ask whether a certificate was revoked: that is for the TLS layer (`crl`), or for a policy of one's own. An
 * expired certificate that the TLS layer let in is rejected only by `currentlyValid` and `chainVerified`. A proxy that
 * resumes TLS sessions lets in certificates that have expired or were revoked since the session began, as verified.
 *
 * @throws TypeError when no rule is given, or one is unknown or ill-typed
 */
export function certificateRules(given: CertificateRules): CertificatePolicy {
  const known = knownOptions("the certificate rules", given, rules, "not-given");
  if (Object.keys(known).length === 0) throw new TypeError("certbound: the certificate rules hold no rule");
  const { currentlyValid, tenant } = known;
  const select = parseSelection(known);
  const belongs = tenant && parseTenant(tenant);
  return (certificate, context): true | AccessTokenError => {
    const reason =
      select(certificate) ??
      (currentlyValid && invalidity(certificate.x509, context)) ??
      belongs?.(certificate, context);
    return reason === undefined ? true : untrusted(reason);
  };
}

function invalidity(certificate: X509Certificate | undefined, { now }: CertificateContext): string | undefined {
  if (certificate === undefined) return "only the thumbprint is known: the certificate itself is needed";
  const { validFrom, validTo } = certificate;
  // A time that cannot be read is no number, and fails each comparison.
  if (!(now >= Date.parse(validFrom) / 1000)) return "it is not valid yet";
  return now <= Date.parse(validTo) / 1000 ? undefined : "it has expired";
}

function parseTenant(
  given: TenantRule,
): (certificate: ClientCertificate, context: CertificateContext) => string | undefined {
  const { resolve, claim } = knownOptions("the rule tenant", given, tenantRules, "rejected");
  for (const [name, value] of Object.entries({ resolve, claim })) {
    if (value === undefined) throw new TypeError(`certbound: option "${name}" of the rule tenant is missing`);
  }
  return (certificate, { claims }) => {
    const tenant = resolve(certificate);
    if (tenant === undefined) return "it belongs to none of the tenants, or to several";
    return claim === null || ownMember(claims, claim) === tenant
      ? undefined
      : "it belongs to another tenant than the token";
  };
}
