import {
  AccessTokenError,
  type AccessTokenErrorCode,
  createVerifier,
  type SignatureAlgorithm,
  type VerifierOptions,
  type VerifyOptions,
} from "@certbound/core";
import { defaultTokenTypes, profiles } from "@certbound/core/internal";
import { boundThumbprint } from "../causes/confirmation-causes.ts";
import type { TokenReading } from "../inputs/token-input.ts";

/** The input of one verification by core. */
export interface Attempt {
  readonly token: string;
  readonly options: VerifierOptions;
  readonly verifyOptions: VerifyOptions;
}

/** The input for a relaxation, in addition to the rejected attempt. */
export interface RelaxationContext {
  readonly token: TokenReading;
  /** Seconds since the epoch. */
  readonly now: number;
}

/**
 * Verifies the token with core. Returns the error, or undefined if core accepts the token.
 *
 * @throws TypeError if core rejects the options
 */
export async function verify({ token, options, verifyOptions }: Attempt): Promise<AccessTokenError | undefined> {
  try {
    await createVerifier(options).verify(token, verifyOptions);
    return undefined;
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

/** Returns attempts that may get past a failed check, those with the smallest changes first. */
type Relaxation = (attempt: Attempt, context: RelaxationContext) => readonly Attempt[];

/** Core's default types if the binding is required. The default for "report-only" has fewer types. */
const defaultTypes = [...defaultTokenTypes(true)];

/** Moves the clock to times at which the token may be valid. */
const atOtherTime: Relaxation = (attempt, { token: { claims = {} } }) => {
  const [exp, nbf, iat] = ["exp", "nbf", "iat"].map((name) => claims[name]).map(numberOrUndefined);
  const start = Math.max(nbf ?? -Infinity, iat ?? -Infinity);
  const times = [start, nbf, iat, exp === undefined ? undefined : exp - 1];
  return times
    .filter((time) => time !== undefined && Number.isFinite(time))
    .map((time) => withOptions(attempt, { clock: () => Number(time) * 1000 }));
};

const withoutBinding: Relaxation = (attempt, { token }) => {
  const relaxed = (options: VerifierOptions): Attempt => ({
    ...attempt,
    // Keeps the accepted types, because the default for "report-only" has fewer.
    options: options.profile === undefined ? { ...options, tokenTypes: options.tokenTypes ?? defaultTypes } : options,
    verifyOptions: { ...attempt.verifyOptions, validateCertificateBinding: "report-only" },
  });
  const clientCertificate = { thumbprint: boundThumbprint({ token }) };
  return [
    relaxed(attempt.options),
    // The profile fapi2 does not allow another mode.
    relaxed(withoutProfile(attempt.options)),
    // In the mode report-only, core rejects a token with a nonce whose type is not at+jwt.
    { ...attempt, verifyOptions: { ...attempt.verifyOptions, clientCertificate } },
  ];
};

/** The relaxation for each error code. Error codes without a relaxation belong to checks that cannot be disabled, such as the signature. */
const relaxations: Readonly<Partial<Record<AccessTokenErrorCode, Relaxation>>> = {
  ERR_TOKEN_MALFORMED: (attempt, { token }) =>
    token.repaired === attempt.token ? [] : [{ ...attempt, token: token.repaired }],
  ERR_TOKEN_ALGORITHM: (attempt, { token: { header = {} } }) =>
    // Core throws a TypeError for an algorithm that it never accepts.
    typeof header["alg"] === "string"
      ? withAndWithoutProfile(attempt, { algorithms: [header["alg"] as SignatureAlgorithm] })
      : [],
  ERR_TOKEN_TYPE: (attempt, { token: { header = {} } }) => {
    const type = header["typ"] ?? null;
    return type === null || typeof type === "string" ? withAndWithoutProfile(attempt, { tokenTypes: [type] }) : [];
  },
  ERR_TOKEN_ISSUER: (attempt, { token: { claims = {} } }) =>
    // Takes the issuer from the token; the keys remain those of the configured issuer.
    typeof claims["iss"] === "string" ? [withOptions(attempt, { issuer: claims["iss"] })] : [],
  ERR_TOKEN_AUDIENCE: (attempt) => [withOptions(attempt, { audience: null })],
  ERR_TOKEN_EXPIRED: atOtherTime,
  ERR_TOKEN_NOT_YET_VALID: atOtherTime,
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
    const { scopes: _scopes, ...verifyOptions } = attempt.verifyOptions;
    return [{ ...attempt, verifyOptions }];
  },
};

/** Returns attempts without the check that led to an error code; an empty array if the check cannot be disabled. */
export function withoutCheck(
  code: AccessTokenErrorCode,
  attempt: Attempt,
  context: RelaxationContext,
): readonly Attempt[] {
  return relaxations[code]?.(attempt, context) ?? [];
}

/** Changes an option, with and without the profile: core throws a TypeError for an option that the profile forbids. */
function withAndWithoutProfile(attempt: Attempt, change: VerifierOptions): readonly Attempt[] {
  return [withOptions(attempt, change), { ...attempt, options: { ...withoutProfile(attempt.options), ...change } }];
}

/** Omits the profile, but keeps its token types and its clock tolerance. */
function withoutProfile(options: VerifierOptions): VerifierOptions {
  if (options.profile === undefined) return options;
  const profile = profiles[options.profile];
  const { tokenTypes = profile.tokenTypes, clockTolerance = profile.clockTolerance.default } = options;
  return { ...options, profile: undefined, tokenTypes, clockTolerance };
}

function withOptions(attempt: Attempt, change: VerifierOptions): Attempt {
  return { ...attempt, options: { ...attempt.options, ...change } };
}

function numberOrUndefined(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
