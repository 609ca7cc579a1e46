import { type CertificatePolicy, certificateRules } from "@certbound/express";

/** Accepts certificates of this CA that are currently valid and not revoked. */
export function unrevoked(ca: string, isRevoked: (serialNumber: string) => Promise<boolean>): CertificatePolicy {
  const rules = certificateRules({ issuers: [ca], currentlyValid: true });
  return async (certificate, context) => {
    const decision = await rules(certificate, context);
    if (decision !== true || certificate.x509 === undefined) return decision;
    return !(await isRevoked(certificate.x509.serialNumber));
  };
}
