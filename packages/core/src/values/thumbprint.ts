import { hash } from "node:crypto";

/** The SHA-256 of an empty input, which some proxies forward if the client presented no certificate. */
export const THUMBPRINT_OF_EMPTY_INPUT = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/** Returns whether a text is a SHA-256 thumbprint: 32 bytes as 43 characters of canonical base64url (RFC 8705 section 3.1). */
export function isThumbprint(text: string): boolean {
  return /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text);
}

/** Computes the SHA-256 thumbprint of a certificate in DER (RFC 8705 section 3.1). */
export function sha256Thumbprint(der: Uint8Array): string {
  return hash("sha256", der, "base64url");
}
