import { type ClientCertificate, parseClientCertificate } from "../certificate/client-certificate.ts";
import { isJsonObject } from "../values/json-object.ts";
import { knownOptions } from "../values/known-options.ts";
import { type CertificateSelection, parseSelection, selectionRules } from "./certificate-selection.ts";

/** Tells which tenant a certificate belongs to; undefined: to none, to more than one, or there is no certificate. */
export type CertificateTenants = (certificate: ClientCertificate | undefined) => string | undefined;

/**
 * Maps client certificates to tenants, each by the certificates that are its own.
 *
 * Use it in the rule `tenant` of `certificateRules`, and in handlers on `accessToken.clientCertificate`. It does not look
 * at validity.
 *
 * @throws TypeError when there is no tenant, or the selection of one is unknown, ill-typed or empty
 */
export function certificateTenants(tenants: Readonly<Record<string, CertificateSelection>>): CertificateTenants {
  if (!isJsonObject(tenants) || Object.keys(tenants).length === 0) {
    throw new TypeError("certbound: the tenants must be an object with at least one");
  }
  const selectors = Object.entries(tenants).map(([name, given]) => {
    const selection = knownOptions(`the tenant "${name}"`, given, selectionRules, "not-given");
    if (Object.keys(selection).length === 0) {
      throw new TypeError(`certbound: the tenant "${name}" must say which certificates are its own`);
    }
    return { name, select: parseSelection(selection) };
  });
  return (certificate) => {
    const parsed = parseClientCertificate(certificate ?? null);
    if (parsed === undefined) return undefined;
    const [first, ...others] = selectors.filter(({ select }) => select(parsed) === undefined);
    return others.length === 0 ? first?.name : undefined;
  };
}
