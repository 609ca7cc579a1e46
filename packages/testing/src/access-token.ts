import { randomUUID } from "node:crypto";
import { signingInput, signInput } from "./compact-token.ts";
import type { Identity } from "./identity.ts";
import { assertKnownOptions } from "./known-options.ts";
import type { SigningKey } from "./signing-keys.ts";

/** Configures an access token; everything has a default. */
export interface AccessTokenOptions {
  /** Sets `cnf.x5t#S256` to the identity's thumbprint, or to this very text. Absent: a token without `cnf`. */
  readonly boundTo?: Identity | string;
  /** One of the issuer's algorithms. Defaults to its first. */
  readonly algorithm?: string;
  /** Merged over the default claims; one given as undefined is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Merged over `alg`, `kid` and `typ`; one given as undefined is left out. The signature does not follow. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Seconds, 300 by default. A negative number makes a token that expired so long ago. */
  readonly expiresIn?: number;
}

/** Describes who issues a token, for whom, when and with which keys. */
export interface TokenContext {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly keys: readonly SigningKey[];
}

const lifetime = 300;

/**
 * Signs an access token in the profile of RFC 9068, bound to a certificate as RFC 8705 section 3.1 says.
 *
 * @throws TypeError for an unknown option, an algorithm without a key or a lifetime that is no number
 */
export function issueAccessToken(options: AccessTokenOptions, context: TokenContext): string {
  assertKnownOptions(options, ["boundTo", "algorithm", "claims", "header", "expiresIn"]);
  const key = chooseKey(context.keys, options.algorithm);
  const header = { alg: key.algorithm, kid: key.kid, typ: "at+jwt", ...options.header };
  const payload = { ...defaultClaims(options, context), ...options.claims };
  return signInput(signingInput(header, payload), key.algorithm, key.privateKey);
}

function chooseKey(keys: readonly SigningKey[], algorithm: string | undefined): SigningKey {
  const key = keys.find((candidate) => algorithm === undefined || candidate.algorithm === algorithm);
  if (key === undefined) throw new TypeError(`The issuer has no key for ${String(algorithm)}`);
  return key;
}

function defaultClaims(options: AccessTokenOptions, context: TokenContext): object {
  const { boundTo, expiresIn = lifetime } = options;
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
  };
}
