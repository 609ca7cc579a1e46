/** Returns whether a text has the syntax of a bearer token (RFC 6750 section 2.1). */
export function isBearerToken(text: string): boolean {
  return /^[\w.~+/-]+=*$/.test(text);
}
