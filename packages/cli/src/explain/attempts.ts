import {
  AccessTokenError,
  type AccessTokenErrorCode,
  createVerifier,
  type SignatureAlgorithm,
  type VerifierOptions,
  type VerifyOptions,
} from "@certbound/core";
import { defaultTokenTypes, profiles } from "@certbound/core/internal";
import type { TokenReading } from "../inputs/token-input.ts";

/** One question to core: this token, by these options. */
export interface Attempt {
  readonly token: string;
  readonly options: VerifierOptions;
  readonly use: VerifyOptions;
}

/** What a removal may look at beside the attempt that was rejected. */
export interface RemovalContext {
  readonly token: TokenReading;
  /** Seconds since the epoch. */
  readonly now: number;
}

/**
 * Has core judge; undefined: it accepts.
 *
 * @throws TypeError when core rejects the options
 */
export async function judge({ token, options, use }: Attempt): Promise<AccessTokenError | undefined> {
  try {
    await createVerifier(options).verify(token, use);
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

/** Ways to take one obstacle out of the configuration, the slightest first; core says whether one worked. */
type Removal = (attempt: Attempt, context: RemovalContext) => readonly Attempt[];

/** What core accepts where the binding is required and no type is named; "report-only" would accept less. */
const usualTypes = [...defaultTokenTypes(true)];

const withoutTime: Removal = (attempt, { token: { claims = {} } }) => {
  const [exp, nbf, iat] = ["exp", "nbf", "iat"].map((name) => claims[name]).map(numberOrUndefined);
  const begin = Math.max(nbf ?? -Infinity, iat ?? -Infinity);
  const times = [begin, nbf, iat, exp === undefined ? undefined : exp - 1];
  return times
    .filter((time) => time !== undefined && Number.isFinite(time))
    .map((time) => withOptions(attempt, { clock: () => Number(time) * 1000 }));
};

const withoutBinding: Removal = (attempt) => {
  const relaxed = (options: VerifierOptions): Attempt => ({
    ...attempt,
    // Those of a profile remain; "report-only" alone would accept fewer types.
    options: options.profile === undefined ? { ...options, tokenTypes: options.tokenTypes ?? usualTypes } : options,
    use: { ...attempt.use, validateCertificateBinding: "report-only" },
  });
  // The profile fapi2 permits no other mode.
  return [relaxed(attempt.options), relaxed(withoutProfile(attempt.options))];
};

/**
 * How the obstacle of each code is removed. What has no row cannot be: a wrong signature, keys that are not there, a token
 * that is none.
 */
const removals: Readonly<Partial<Record<AccessTokenErrorCode, Removal>>> = {
  ERR_TOKEN_MALFORMED: (attempt, { token }) =>
    token.repaired === attempt.token ? [] : [{ ...attempt, token: token.repaired }],
  ERR_TOKEN_ALGORITHM: (attempt, { token: { header = {} } }) =>
    // Core rejects by a TypeError what it never accepts.
    typeof header["alg"] === "string"
      ? withAndWithoutProfile(attempt, { algorithms: [header["alg"] as SignatureAlgorithm] })
      : [],
  ERR_TOKEN_TYPE: (attempt, { token: { header = {} } }) => {
    const type = header["typ"] ?? null;
    return type === null || typeof type === "string" ? withAndWithoutProfile(attempt, { tokenTypes: [type] }) : [];
  },
  ERR_TOKEN_ISSUER: (attempt, { token: { claims = {} } }) =>
    // The name is the token's, the keys remain those of the configured issuer.
    typeof claims["iss"] === "string" ? [withOptions(attempt, { issuer: claims["iss"] })] : [],
  ERR_TOKEN_AUDIENCE: (attempt) => [withOptions(attempt, { audience: null })],
  ERR_TOKEN_EXPIRED: withoutTime,
  ERR_TOKEN_NOT_YET_VALID: withoutTime,
  ERR_TOKEN_CLAIM: (attempt) => [
    withOptions(attempt, { maxTokenAge: undefined }),
    { ...attempt, options: withoutProfile(attempt.options) },
  ],
  ERR_CERTIFICATE_MISSING: withoutBinding,
  ERR_CERTIFICATE_MALFORMED: withoutBinding,
  ERR_CERTIFICATE_UNTRUSTED: withoutBinding,
  ERR_BINDING_REQUIRED: withoutBinding,
  ERR_BINDING_MALFORMED: withoutBinding,
  ERR_BINDING_UNSUPPORTED: withoutBinding,
  ERR_BINDING_MISMATCH: withoutBinding,
  ERR_SCOPE_INSUFFICIENT: (attempt) => {
    const { scopes: _scopes, ...use } = attempt.use;
    return [{ ...attempt, use }];
  },
};

/** Lists the attempts that lack the obstacle of a code; none where it cannot be removed. */
export function withoutObstacle(
  code: AccessTokenErrorCode,
  attempt: Attempt,
  context: RemovalContext,
): readonly Attempt[] {
  return removals[code]?.(attempt, context) ?? [];
}

/** Options that a profile forbids are a TypeError. */
function withAndWithoutProfile(attempt: Attempt, change: VerifierOptions): readonly Attempt[] {
  return [withOptions(attempt, change), { ...attempt, options: { ...withoutProfile(attempt.options), ...change } }];
}

/** What can be said without the name of a profile is said: its types, and its tolerance for clocks. */
function withoutProfile(options: VerifierOptions): VerifierOptions {
  if (options.profile === undefined) return options;
  const demands = profiles[options.profile];
  const { tokenTypes = demands.tokenTypes, clockTolerance = demands.clockTolerance.default } = options;
  return { ...options, profile: undefined, tokenTypes, clockTolerance };
}

function withOptions(attempt: Attempt, change: VerifierOptions): Attempt {
  return { ...attempt, options: { ...attempt.options, ...change } };
}

function numberOrUndefined(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
