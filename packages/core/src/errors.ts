/**
 * The first check that failed for a request.
 *
 * The codes are stable, the messages are not: compare only codes. `docs/errors.md` lists the cause and the remedy for each.
 */
export type AccessTokenErrorCode = keyof typeof table;

/** The codes of the errors that a certificate resolver may return: why a client certificate is missing or unusable. */
export type CertificateErrorCode = Extract<AccessTokenErrorCode, `ERR_CERTIFICATE_${string}`>;

/** The requirements of the route that the challenge may name (RFC 6750 section 3, RFC 9470 section 3). */
export interface ChallengeParameters {
  readonly scopes?: readonly string[] | undefined;
  readonly acrValues?: readonly string[] | undefined;
  /** The maximum number of seconds since the user authenticated. */
  readonly maxAge?: number | undefined;
}

/** Optional members of an {@link AccessTokenError}. */
export interface AccessTokenErrorOptions {
  /** A sentence for the operator: what was expected, what was seen, the likely cause. Never sent to the client. */
  readonly detail?: string | undefined;
  readonly challenge?: ChallengeParameters | undefined;
  /** Seconds after which a client may retry. Only for the codes that end in `_UNAVAILABLE`. */
  readonly retryAfter?: number | undefined;
}

/** The message of a code, and the response to the client (RFC 6750 section 3.1, RFC 9470 section 3). */
export type ErrorRow = readonly [
  message: string,
  status: 400 | 401 | 403 | 503,
  /** Null if the challenge must not include an error. */
  error: "invalid_request" | "invalid_token" | "insufficient_scope" | "insufficient_user_authentication" | null,
  /** The requirements of the route that the challenge includes. */
  challenge?: readonly (keyof ChallengeParameters)[],
];

const table = {
  ERR_TOKEN_MISSING: ["The request carries no access token", 401, null],
  ERR_REQUEST_MALFORMED: ["The request does not carry exactly one well-formed access token", 400, "invalid_request"],
  ERR_TOKEN_MALFORMED: ["The access token is not well-formed", 401, "invalid_token"],
  ERR_TOKEN_ALGORITHM: ["The access token is signed with an algorithm that is not accepted", 401, "invalid_token"],
  ERR_TOKEN_KEY_UNKNOWN: ["The issuer publishes no key that fits the access token", 401, "invalid_token"],
  ERR_TOKEN_SIGNATURE: ["The signature of the access token is not valid", 401, "invalid_token"],
  ERR_TOKEN_TYPE: ["The token is not of an accepted type", 401, "invalid_token"],
  ERR_TOKEN_ISSUER: ["The access token is not from an accepted issuer", 401, "invalid_token"],
  ERR_TOKEN_AUDIENCE: ["The access token is not for this API", 401, "invalid_token"],
  ERR_TOKEN_EXPIRED: ["The access token has expired", 401, "invalid_token"],
  ERR_TOKEN_NOT_YET_VALID: ["The access token is not valid yet", 401, "invalid_token"],
  ERR_TOKEN_CLAIM: ["A claim of the access token is missing or malformed", 401, "invalid_token"],
  ERR_TOKEN_INACTIVE: ["The access token is not active", 401, "invalid_token"],
  ERR_BINDING_REQUIRED: ["The access token is not bound to a certificate", 401, "invalid_token"],
  ERR_BINDING_MALFORMED: ["The confirmation claim of the access token is malformed", 401, "invalid_token"],
  ERR_BINDING_UNSUPPORTED: ["The access token is bound by a method that is not checked here", 401, "invalid_token"],
  ERR_BINDING_MISMATCH: ["The access token is bound to another certificate", 401, "invalid_token"],
  ERR_CERTIFICATE_MISSING: ["The client presented no certificate", 401, "invalid_token"],
  ERR_CERTIFICATE_MALFORMED: ["The client certificate is malformed", 401, "invalid_token"],
  ERR_CERTIFICATE_UNTRUSTED: ["The client certificate, or the way it came, is not trusted", 401, "invalid_token"],
  ERR_AUTHENTICATION_INSUFFICIENT: [
    "The authentication of the user does not meet the requirements",
    401,
    "insufficient_user_authentication",
    ["acrValues", "maxAge"],
  ],
  ERR_SCOPE_INSUFFICIENT: ["The access token lacks a required scope", 403, "insufficient_scope", ["scopes"]],
  ERR_ACCESS_DENIED: ["The access token does not permit this request", 403, "insufficient_scope"],
  ERR_KEYS_UNAVAILABLE: ["The keys of the issuer cannot be fetched", 503, null],
  ERR_INTROSPECTION_UNAVAILABLE: ["The access token cannot be introspected", 503, null],
} as const;

/** The message, status and challenge for every error code. */
export const errorRows: Readonly<Record<AccessTokenErrorCode, ErrorRow>> = table;

const brand: unique symbol = Symbol.for("certbound.AccessTokenError") as never;

/**
 * The reason why a request is rejected: its access token or client certificate was not accepted, or the issuer could not be
 * reached. `httpRejection` returns the HTTP response.
 *
 * Neither the message nor a detail written by this package contains a token, a claim value, a key or a certificate.
 * `instanceof` also recognises errors of another copy of this package.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#AccessTokenError -->
 * ```ts
 * try {
 *   await verifier.verify(token, { clientCertificate: tlsCertificate(request) });
 *   return true;
 * } catch (error) {
 *   if (!(error instanceof AccessTokenError)) throw error; // not caused by the token or the client
 *   if (error.code === "ERR_BINDING_MISMATCH") log.warn(`possibly a stolen token: ${error.detail}`);
 *   return false;
 * }
 * ```
 */
export class AccessTokenError extends Error {
  // `declare` does not define a field: an optional member without a value is absent, not undefined.

  /** The first check that failed. */
  readonly code: AccessTokenErrorCode;
  /** A sentence for the operator, not for the client. */
  declare readonly detail?: string;
  /** The requirements of the route. */
  declare readonly challenge?: ChallengeParameters;
  /** Seconds after which a client may retry. */
  declare readonly retryAfter?: number;

  constructor(code: AccessTokenErrorCode, options: AccessTokenErrorOptions = {}) {
    if (!Object.hasOwn(table, code)) throw new TypeError("certbound: the code must be an AccessTokenErrorCode");
    const { stackTraceLimit } = Error;
    // No stack trace: the code names the check that failed, and capturing a trace would cost more than the check itself.
    Reflect.set(Error, "stackTraceLimit", 0);
    super(table[code][0]);
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
    this.code = code;
    // Own members only, so that a polluted Object.prototype has no effect.
    if (Object.hasOwn(options, "detail") && options.detail !== undefined) this.detail = options.detail;
    if (Object.hasOwn(options, "challenge") && options.challenge !== undefined) this.challenge = options.challenge;
    if (Object.hasOwn(options, "retryAfter") && options.retryAfter !== undefined) this.retryAfter = options.retryAfter;
  }

  /** Returns true for the errors of every copy of this package. In a subclass, `instanceof` works as usual. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== AccessTokenError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}

Object.defineProperties(AccessTokenError.prototype, {
  name: { value: "AccessTokenError" },
  [brand]: { value: true },
});

/** Returns whether a certificate resolver may return an error with this code. */
export function isCertificateErrorCode(code: AccessTokenErrorCode): code is CertificateErrorCode {
  return code.startsWith("ERR_CERTIFICATE_");
}

/** Creates the error for a failed check, with a detail for the operator. */
export function rejected(code: AccessTokenErrorCode, detail: string): AccessTokenError {
  return new AccessTokenError(code, { detail });
}
