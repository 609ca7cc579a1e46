import { randomBytes } from "node:crypto";
import { assertKnownOptions } from "./known-options.ts";
import { tokenClaims } from "./token-claims.ts";
import type { TokenClaimsContext, TokenClaimsOptions } from "./token-claims.ts";

/** Configures an opaque token; everything has a default. */
export type OpaqueTokenOptions = TokenClaimsOptions;

/** Holds a token that says nothing by itself, and what its issuer knows of it. */
export interface OpaqueToken {
  readonly token: string;
  readonly claims: object;
}

/**
 * Draws an opaque token, with the claims that a JWT access token would carry.
 *
 * @throws TypeError for an unknown option or a lifetime that is no number
 */
export function issueOpaqueToken(options: OpaqueTokenOptions, context: TokenClaimsContext): OpaqueToken {
  assertKnownOptions(options, ["boundTo", "claims", "expiresIn"]);
  return { token: randomBytes(32).toString("base64url"), claims: tokenClaims(options, context) };
}
