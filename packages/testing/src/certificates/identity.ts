import { createHash, createPrivateKey, X509Certificate } from "node:crypto";

/** Describes a certificate together with its private key, as a TLS client or server presents it. */
export interface Identity {
  /** The certificate as PEM, which ends in a newline so that chains can be concatenated. */
  readonly certificate: string;
  /** The private key as PKCS#8 PEM, not encrypted. */
  readonly key: string;
  /** The bytes of the certificate, of which the thumbprint is taken. */
  readonly der: Uint8Array;
  /** The `x5t#S256` confirmation value: the base64url SHA-256 of `der` (RFC 8705 section 3.1). */
  readonly thumbprint: string;
  /** The certificates between this one and the root, as PEM, its issuer's first. Absent: there are none. */
  readonly chain?: string;
}

/** What a TLS client or server is given to present an identity: its certificate with the chain, and its key. */
export function tlsCredentials(identity: Identity): { readonly cert: string; readonly key: string } {
  return { cert: identity.certificate + (identity.chain ?? ""), key: identity.key };
}

/**
 * Makes an identity of PEM texts, normalised so that both end in a newline.
 *
 * Does not check that the key belongs to the certificate.
 */
export function createIdentity(certificatePem: string, keyPem: string): Identity {
  const certificate = new X509Certificate(certificatePem);
  return {
    certificate: certificate.toString(),
    key: createPrivateKey(keyPem).export({ type: "pkcs8", format: "pem" }).toString(),
    der: new Uint8Array(certificate.raw),
    thumbprint: createHash("sha256").update(certificate.raw).digest("base64url"),
  };
}
