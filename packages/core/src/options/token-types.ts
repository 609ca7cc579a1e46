/** The `typ` of a JWT access token (RFC 9068 section 2.1). */
export const ACCESS_TOKEN_TYPE = "at+jwt";

/** The default if unbound tokens may be accepted. */
const typedOnly: ReadonlySet<string | null> = new Set([ACCESS_TOKEN_TYPE]);

/**
 * The default if every token must be bound; null stands for a token without a type. Many issuers use these types for access
 * tokens, and also for ID tokens. An ID token is rejected because it is not bound to the certificate.
 */
const typedOrGeneric: ReadonlySet<string | null> = new Set([ACCESS_TOKEN_TYPE, "jwt", null]);

/** Returns the types that are accepted without the option `tokenTypes`, normalised. */
export function defaultTokenTypes(bindingRequired: boolean): ReadonlySet<string | null> {
  return bindingRequired ? typedOrGeneric : typedOnly;
}

/** Normalises a `typ` for comparison (RFC 7515 section 4.1.9): lower case, without `application/`. */
export function normaliseTokenType(type: string): string {
  return type.toLowerCase().replace(/^application\//, "");
}
