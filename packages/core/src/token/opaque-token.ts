import { claimedIssuer, MAX_TOKEN_LENGTH } from "./compact-jws.ts";
import type { Issuers, OpaqueTokenIssuer } from "../issuer/issuers.ts";
import { rejected } from "../errors.ts";
import { isBearerToken } from "../values/bearer-token.ts";

/**
 * Returns whether a token does not look like a compact JWS.
 *
 * A compact JWS has three parts and starts with `ey` or `ew`, the base64url encodings of `{` followed by a quote or by white
 * space. Nothing else is checked.
 */
export function isOpaqueToken(token: string): boolean {
  return (!token.startsWith("ey") && !token.startsWith("ew")) || token.split(".", 4).length !== 3;
}

/**
 * Returns whether a token is introspected instead of verified locally: true for opaque tokens, and under `jwtsAsOpaque` for
 * JWTs that do not name another configured issuer.
 *
 * @param issuer the issuer that introspects opaque tokens
 */
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
 * Checks the length and the characters of an opaque token before it is introspected.
 *
 * @throws AccessTokenError `ERR_TOKEN_MALFORMED`
 */
export function checkOpaqueToken(token: string): void {
  if (token.length <= MAX_TOKEN_LENGTH && isBearerToken(token)) return;
  const detail = `the token is longer than ${MAX_TOKEN_LENGTH} characters, or has characters that RFC 6750 does not allow`;
  throw rejected("ERR_TOKEN_MALFORMED", detail);
}
