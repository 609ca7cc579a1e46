/** The `typ` of a JWT access token (RFC 9068 section 2.1). */
export const ACCESS_TOKEN_TYPE = "at+jwt";

/** The accepted types where an unbound token can be accepted, unless the options name others. */
const typedOnly: ReadonlySet<string | null> = new Set([ACCESS_TOKEN_TYPE]);

/**
 * The accepted types where every token must be bound, unless the options name others; null is a token without a type. Many
 * issuers send these. The ID tokens that they would let in are never bound to the certificate.
 */
const typedOrGeneric: ReadonlySet<string | null> = new Set([ACCESS_TOKEN_TYPE, "jwt", null]);

/** Returns the accepted types, normalised, where the options name none. */
export function defaultTokenTypes(bindingRequired: boolean): ReadonlySet<string | null> {
  return bindingRequired ? typedOrGeneric : typedOnly;
}

/** Brings a `typ` to the form that is compared (RFC 7515 section 4.1.9): lower case, without `application/`. */
export function normaliseTokenType(type: string): string {
  return type.toLowerCase().replace(/^application\//, "");
}
