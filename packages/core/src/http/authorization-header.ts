import { rejected } from "../errors.ts";
import { checkHeaderList, headerValues } from "./header-list.ts";
import type { NodeRequest } from "./incoming-request.ts";

/** All white space characters of ECMAScript, and the comma. */
const separators =
  " \t,\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff".split(
    "",
  );

/**
 * Returns the value of the Authorization header. Ignores access tokens in the query, the body and cookies.
 *
 * @throws AccessTokenError `ERR_TOKEN_MISSING` if the header is missing; `ERR_REQUEST_MALFORMED` if it occurs more than once,
 *   or if the header list is incomplete
 */
export function authorizationHeader(request: NodeRequest): string {
  const complete = checkHeaderList(request);
  if (typeof complete === "string") throw rejected("ERR_REQUEST_MALFORMED", complete);
  const values = headerValues(complete, "authorization");
  if (values.length > 1)
    throw rejected("ERR_REQUEST_MALFORMED", `expected one Authorization header, saw ${values.length}`);
  const [credentials = ""] = values;
  if (credentials === "") throw rejected("ERR_TOKEN_MISSING", "the request has no Authorization header");
  return credentials;
}

/**
 * Extracts the access token from an Authorization header (RFC 6750 section 2.1).
 *
 * Checks that the scheme is accepted, and that the token is not empty and contains neither white space nor a comma. The
 * token is not checked any further.
 *
 * @param schemes accepted authentication schemes, in lower case
 * @throws AccessTokenError `ERR_TOKEN_MISSING` if the scheme is not accepted; `ERR_REQUEST_MALFORMED` if the scheme is not
 *   followed by exactly one token
 */
export function bearerToken(credentials: string, schemes: readonly string[]): string {
  const end = credentials.search(/[ \t]/);
  const scheme = (end < 0 ? credentials : credentials.slice(0, end)).toLowerCase();
  if (!schemes.includes(scheme))
    throw rejected("ERR_TOKEN_MISSING", "the scheme of the Authorization header is not accepted");
  const token = credentials.slice(scheme.length).replace(/^ +/, "");
  // Much faster than a regular expression.
  const isSingleToken = token !== "" && !separators.some((separator) => token.includes(separator));
  if (!isSingleToken)
    throw rejected("ERR_REQUEST_MALFORMED", "expected the scheme, a space and one token in the Authorization header");
  return token;
}
