import { claimedIssuer, MAX_TOKEN_LENGTH } from "./compact-jws.ts";
import type { Issuers, OpaqueTokenIssuer } from "../issuer/issuers.ts";
import { rejected } from "../errors.ts";
import { isBearerToken } from "../values/bearer-token.ts";

/**
 * Tells whether a token is anything but a compact JWS: three parts, of which the first starts as a JSON object does in
 * base64url, with a brace, then a quote or white space. What the parts hold beyond that is not looked at.
 */
export function isOpaqueToken(token: string): boolean {
  return (!token.startsWith("ey") && !token.startsWith("ew")) || token.split(".", 4).length !== 3;
}

/** Returns whether a token is introspected and not verified: an opaque one, or with `jwtsAsOpaque` any of no other issuer. */
export function isIntrospectedOnly(
  token: string,
  issuer: OpaqueTokenIssuer["issuer"],
  issuers: Pick<Issuers, "named">,
): boolean {
  if (isOpaqueToken(token)) return true;
  if (issuer.introspection?.jwtsAsOpaque !== true) return false;
  const named = issuers.named(claimedIssuer(token));
  return named === undefined || named.configuration === issuer;
}

/**
 * Checks size and characters of an opaque token, before anybody is asked about it.
 *
 * @throws AccessTokenError `ERR_TOKEN_MALFORMED`
 */
export function checkOpaqueToken(token: string): void {
  if (token.length <= MAX_TOKEN_LENGTH && isBearerToken(token)) return;
  const detail = `it is longer than ${MAX_TOKEN_LENGTH} characters, or has some that no bearer token has (RFC 6750)`;
  throw rejected("ERR_TOKEN_MALFORMED", detail);
}
