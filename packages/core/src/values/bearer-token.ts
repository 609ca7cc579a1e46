/** Returns whether a text has the characters of a bearer token (RFC 6750 section 2.1). */
export function isBearerToken(text: string): boolean {
  return /^[\w.~+/-]+=*$/.test(text);
}
