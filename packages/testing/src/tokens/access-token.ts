import { randomBytes, randomUUID } from "node:crypto";
import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";
import { signingInput, signInput } from "./compact-token.ts";
import { chooseKey, generateImpostorKey } from "./signing-keys.ts";
import type { SigningKey } from "./signing-keys.ts";

/** Configures what a token says, whatever its format; everything has a default. */
export interface TokenClaimsOptions {
  /** Sets `cnf.x5t#S256` to the identity's thumbprint, or to this very text. Absent: a token without `cnf`. */
  readonly boundTo?: Identity | string;
  /** Merged over the default claims; one given as undefined is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds, 300 by default. A negative number makes a token that expired so long ago. */
  readonly expiresIn?: number;
}

/** Configures an access token; everything has a default. */
export interface AccessTokenOptions extends TokenClaimsOptions {
  /** One of the issuer's algorithms. Defaults to its first. */
  readonly algorithm?: string;
  /** Merged over `alg`, `kid` and `typ`; one given as undefined is left out. The signature does not follow. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs with a key that is not the issuer's, under the `kid` of the one that is. The issuer then does not know the token. */
  readonly forged?: true;
}

/** Configures an opaque token; everything has a default. */
export type OpaqueTokenOptions = TokenClaimsOptions;

/** Holds a token that says nothing by itself, and what its issuer knows of it. */
export interface OpaqueToken {
  readonly token: string;
  readonly claims: object;
}

/** Describes who issues a token, for whom and when. */
export interface TokenClaimsContext {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Describes who issues a token, for whom, when and with which keys. */
export interface TokenContext extends TokenClaimsContext {
  readonly keys: readonly SigningKey[];
}

/**
 * Signs an access token in the profile of RFC 9068, bound to a certificate as RFC 8705 section 3.1 says.
 *
 * @throws TypeError for an unknown option, an algorithm without a key or a lifetime that is no number
 */
export function issueAccessToken(options: AccessTokenOptions, context: TokenContext): string {
  assertKnownOptions(options, ["boundTo", "algorithm", "claims", "header", "expiresIn", "forged"]);
  const key = chooseKey(context.keys, options.algorithm);
  const header = { alg: key.algorithm, kid: key.kid, typ: "at+jwt", ...options.header };
  return signInput(signingInput(header, tokenClaims(options, context)), key.algorithm, key.privateKey);
}

/**
 * Signs an access token with a key that the issuer does not have.
 *
 * @throws TypeError as {@link issueAccessToken}, and for `forged` that is not true
 */
export async function forgeAccessToken(options: AccessTokenOptions, context: TokenContext): Promise<string> {
  if (options.forged !== true) throw new TypeError("forged is not true, or left out");
  const impostor = await generateImpostorKey(chooseKey(context.keys, options.algorithm));
  return issueAccessToken(options, { ...context, keys: [impostor] });
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
