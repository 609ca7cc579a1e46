import { hash } from "node:crypto";

/** The SHA-256 hash of an empty input, which some proxies forward if the client presented no certificate. */
export const THUMBPRINT_OF_NOTHING = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/** Returns whether a text is a SHA-256 thumbprint: 32 bytes as 43 characters of canonical base64url (RFC 8705 section 3.1). */
export function isThumbprint(text: string): boolean {
  return /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(text);
}

/** Computes the SHA-256 thumbprint of a DER certificate (RFC 8705 section 3.1). */
export function sha256Thumbprint(der: Uint8Array): string {
  return hash("sha256", der, "base64url");
}
