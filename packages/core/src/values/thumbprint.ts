import { hash } from "node:crypto";

/** SHA-256 of nothing: what some proxies forward where there is no certificate. */
export const THUMBPRINT_OF_NOTHING = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/** Tells whether a text is a SHA-256 thumbprint: 32 bytes in canonical base64url, 43 characters (RFC 8705 section 3.1). */
export function isThumbprint(text: string): boolean {
  return /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text);
}

/** Computes the SHA-256 thumbprint of a certificate from its DER (RFC 8705 section 3.1). */
export function sha256Thumbprint(der: Uint8Array): string {
  return hash("sha256", der, "base64url");
}
