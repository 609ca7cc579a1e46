import type { CertificateProfile } from "./certificate-options.ts";
import type { Identity } from "./identity.ts";
import { signWithSelfsigned } from "./sign-with-selfsigned.ts";
import { signWithX509 } from "./sign-with-x509.ts";
import type { SigningAuthority } from "./signing-authority.ts";

/** A name that reads the same with and without the escaping of RFC 4514. */
const plainName = /^[A-Za-z0-9](?:[A-Za-z0-9 .-]*[A-Za-z0-9])?$/;

/**
 * Issues the certificate of a profile, signed by the authority or, without one, by itself.
 *
 * selfsigned issues the ordinary ones. It cannot sign for a key of another type than the authority's,
 * knows no Ed25519 and does not escape names: those, and keys that exist already, are left to @peculiar/x509.
 */
export function issueCertificate(profile: CertificateProfile, authority?: SigningAuthority): Promise<Identity> {
  const { commonName, keyType, key } = profile;
  const issuer = authority ?? profile;
  if (key !== undefined || keyType === "ed25519" || keyType !== issuer.keyType) return signWithX509(profile, authority);
  if (!plainName.test(commonName) || !plainName.test(issuer.commonName)) {
    return signWithX509(profile, authority);
  }
  return signWithSelfsigned({ ...profile, keyType }, authority);
}
