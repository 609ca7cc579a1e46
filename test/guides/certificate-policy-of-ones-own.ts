import { type CertificatePolicy, certificateRules } from "@certbound/express";

/** Certificates of this CA, in date, and not on the list of revoked ones. */
export function unrevoked(ca: string, isRevoked: (serialNumber: string) => Promise<boolean>): CertificatePolicy {
  const rules = certificateRules({ issuers: [ca], currentlyValid: true });
  return async (certificate, context) => {
    const decision = await rules(certificate, context);
    if (decision !== true || certificate.x509 === undefined) return decision;
    return !(await isRevoked(certificate.x509.serialNumber));
  };
}
