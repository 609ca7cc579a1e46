import { signingInput, signInput } from "./compact-token.ts";
import { assertKnownOptions } from "./known-options.ts";
import { chooseKey, generateImpostorKey } from "./signing-keys.ts";
import type { SigningKey } from "./signing-keys.ts";
import { tokenClaims } from "./token-claims.ts";
import type { TokenClaimsContext, TokenClaimsOptions } from "./token-claims.ts";

/** Configures an access token; everything has a default. */
export interface AccessTokenOptions extends TokenClaimsOptions {
  /** One of the issuer's algorithms. Defaults to its first. */
  readonly algorithm?: string;
  /** Merged over `alg`, `kid` and `typ`; one given as undefined is left out. The signature does not follow. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs with a key that is not the issuer's, under the `kid` of the one that is. The issuer then does not know the token. */
  readonly forged?: true;
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
