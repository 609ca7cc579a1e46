import { createHash, createPrivateKey, X509Certificate } from "node:crypto";

/** A certificate and its private key, as a TLS client or server uses them. */
export interface Identity {
  /** The certificate as PEM, with a newline at the end so that certificates can be concatenated. */
  readonly certificate: string;
  /** The private key as PKCS#8 PEM, not encrypted. */
  readonly key: string;
  /** The certificate as DER, the input of the thumbprint. */
  readonly der: Uint8Array;
  /** The `x5t#S256` confirmation value: the base64url SHA-256 of `der` (RFC 8705 section 3.1). */
  readonly thumbprint: string;
  /** The intermediate certificates as PEM, starting with the issuer of this one; omitted if the root issued it. */
  readonly chain?: string;
}

/** Returns the TLS options `cert`, which includes the chain, and `key` of an identity. */
export function tlsCredentials(identity: Identity): { readonly cert: string; readonly key: string } {
  return { cert: identity.certificate + (identity.chain ?? ""), key: identity.key };
}

/**
 * Creates an identity from PEM, and normalises both texts so that they end with a newline.
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
