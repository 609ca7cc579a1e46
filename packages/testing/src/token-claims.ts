import { randomUUID } from "node:crypto";
import type { Identity } from "./identity.ts";

/** Configures what a token says, whatever its format; everything has a default. */
export interface TokenClaimsOptions {
  /** Sets `cnf.x5t#S256` to the identity's thumbprint, or to this very text. Absent: a token without `cnf`. */
  readonly boundTo?: Identity | string;
  /** Merged over the default claims; one given as undefined is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds, 300 by default. A negative number makes a token that expired so long ago. */
  readonly expiresIn?: number;
}

/** Describes who issues a token, for whom and when. */
export interface TokenClaimsContext {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const lifetime = 300;

/**
 * Makes the claims of RFC 9068 section 2.2, bound to a certificate as RFC 8705 section 3.1 says.
 *
 * @throws TypeError for a lifetime that is no number
 */
export function tokenClaims(options: TokenClaimsOptions, context: TokenClaimsContext): object {
  const { boundTo, expiresIn = lifetime, claims } = options;
  if (!Number.isFinite(expiresIn)) throw new TypeError("expiresIn is not a finite number");
  const now = Math.floor(context.now / 1000);
  const thumbprint = typeof boundTo === "object" ? boundTo.thumbprint : boundTo;
  return {
    iss: context.issuer,
    sub: "client-1",
    aud: context.audience,
    client_id: "client-1",
    // an expired token was issued before it expired
    iat: expiresIn < 0 ? now + expiresIn - lifetime : now,
    exp: now + expiresIn,
    jti: randomUUID(),
    scope: "read",
    ...(thumbprint !== undefined && { cnf: { "x5t#S256": thumbprint } }),
    ...claims,
  };
}
