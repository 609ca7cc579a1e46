import { parseCertificateOptions } from "./certificate-options.ts";
import type { CertificateOptions } from "./certificate-options.ts";
import type { Identity } from "./identity.ts";
import { issueCertificate } from "./issue-certificate.ts";

/**
 * Creates the certificate of a client that has no authority: it is signed with its own key
 * (RFC 8705 section 2.2).
 *
 * A server that lets nothing but chains to its authorities pass must be told to accept it, by
 * `rejectUnauthorized: false` or by trusting this very certificate.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export async function createSelfSignedCertificate(options: CertificateOptions = {}): Promise<Identity> {
  const defaults = { usage: "client", commonName: "client-1", subjectAlternativeNames: [] } as const;
  return issueCertificate(parseCertificateOptions(options, defaults));
}
