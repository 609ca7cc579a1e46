import { generate } from "selfsigned";
import type { AlternativeNameKind } from "./alternative-name.ts";
import type { CertificateProfile } from "./certificate-options.ts";
import { createIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { AuthorityKeyType, SigningAuthority } from "./signing-authority.ts";

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>["extensions"]>;

const usageExtensions: Readonly<Record<CertificateProfile["usage"], Extensions>> = {
  authority: [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
  ],
  client: [
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "extKeyUsage", clientAuth: true },
  ],
  server: [
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
  ],
};

/** The GeneralName tags (RFC 5280 section 4.2.1.6). */
const nameTypes: Readonly<Record<AlternativeNameKind, 1 | 2 | 6 | 7>> = {
  email: 1,
  DNS: 2,
  URI: 6,
  IP: 7,
};

/**
 * Issues an EC or RSA certificate, signed by the authority or, without one, by itself.
 *
 * The authority's key must be of the same type, and neither common name may need escaping: selfsigned
 * gets both wrong.
 */
export async function signWithSelfsigned(
  profile: CertificateProfile & { readonly keyType: AuthorityKeyType },
  authority: SigningAuthority | undefined,
): Promise<Identity> {
  const pem = await generate([{ name: "commonName", value: profile.commonName }], {
    // selfsigned's own defaults are RSA and SHA-1
    keyType: profile.keyType,
    algorithm: "sha256",
    curve: "P-256",
    keySize: 2048,
    notBeforeDate: profile.notBefore,
    notAfterDate: profile.notAfter,
    extensions: extensionsOf(profile),
    ...(authority && { ca: { key: authority.key, cert: authority.certificate } }),
  });
  return createIdentity(pem.cert, pem.private);
}

function extensionsOf(profile: CertificateProfile): Extensions {
  const extensions = usageExtensions[profile.usage];
  if (profile.alternativeNames.length === 0) return extensions;
  const altNames = profile.alternativeNames.map(({ kind, value }) => ({
    type: nameTypes[kind],
    value,
  }));
  return [...extensions, { name: "subjectAltName", altNames }];
}
