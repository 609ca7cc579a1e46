import { randomBytes, randomUUID } from "node:crypto";
import type { Identity } from "../certificates/identity.ts";
import { assertKnownOptions } from "../known-options.ts";
import { signingInput, signInput } from "./compact-token.ts";
import { chooseKey, generateImpostorKey } from "./signing-keys.ts";
import type { SigningKey } from "./signing-keys.ts";

/** Options for the claims of a token in any format; all are optional. */
export interface TokenClaimsOptions {
  /** Sets `cnf.x5t#S256` to the identity's thumbprint, or to this string. If omitted, the token has no `cnf`. */
  readonly boundTo?: Identity | string;
  /** Overrides the default claims; undefined removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The lifetime in seconds, by default 300. A negative number creates a token that expired that many seconds ago. */
  readonly expiresIn?: number;
}

/** Options of an access token; all are optional. */
export interface AccessTokenOptions extends TokenClaimsOptions {
  /** One of the issuer's algorithms. Defaults to its first. */
  readonly algorithm?: string;
  /** Overrides `alg`, `kid` and `typ`; undefined removes a member. Does not affect the algorithm of the signature. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs with a foreign key under the `kid` of the issuer's key. The issuer's introspection endpoint reports the token as inactive. */
  readonly forged?: true;
}

/** Options of an opaque token; all are optional. */
export type OpaqueTokenOptions = TokenClaimsOptions;

/** An opaque token and the claims for its introspection response. */
export interface OpaqueToken {
  readonly token: string;
  readonly claims: object;
}

/** The issuer, audience and time of a token. */
export interface TokenClaimsContext {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The issuer, audience, time and signing keys of a token. */
export interface TokenContext extends TokenClaimsContext {
  readonly keys: readonly SigningKey[];
}

/**
 * Signs a JWT access token (RFC 9068). With `boundTo`, it is certificate-bound (RFC 8705 section 3.1).
 *
 * @throws TypeError for an unknown option, an algorithm without a key, or a lifetime that is not a number
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
 * @throws TypeError like {@link issueAccessToken}, and if `forged` is not true
 */
export async function forgeAccessToken(options: AccessTokenOptions, context: TokenContext): Promise<string> {
  if (options.forged !== true) throw new TypeError("forged is not true or undefined");
  const impostor = await generateImpostorKey(chooseKey(context.keys, options.algorithm));
  return issueAccessToken(options, { ...context, keys: [impostor] });
}

/**
 * Creates a random opaque token, with the claims that a JWT access token would have.
 *
 * @throws TypeError for an unknown option, or a lifetime that is not a number
 */
export function issueOpaqueToken(options: OpaqueTokenOptions, context: TokenClaimsContext): OpaqueToken {
  assertKnownOptions(options, ["boundTo", "claims", "expiresIn"]);
  return { token: randomBytes(32).toString("base64url"), claims: tokenClaims(options, context) };
}

const lifetime = 300;

/**
 * Returns the claims of RFC 9068 section 2.2 and, with `boundTo`, `cnf` (RFC 8705 section 3.1).
 *
 * @throws TypeError for a lifetime that is not a number
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
    // iat is earlier than exp even if the token has expired; with `expiresIn: 0`, the two are equal.
    iat: expiresIn < 0 ? now + expiresIn - lifetime : now,
    exp: now + expiresIn,
    jti: randomUUID(),
    scope: "read",
    ...(thumbprint !== undefined && { cnf: { "x5t#S256": thumbprint } }),
    ...claims,
  };
}
