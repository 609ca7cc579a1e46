import type { AccessToken, AccessTokenClaims } from "../access-token.ts";
import { callApplication } from "../runtime/application-callback.ts";
import type { ClientCertificate } from "../certificate/client-certificate.ts";
import { AccessTokenError, rejected } from "../errors.ts";

/** The information that a policy receives in addition to the certificate. */
export interface CertificateContext {
  /** The claims of the verified token. */
  readonly claims: AccessTokenClaims;
  /** The time of the verifier's clock, in seconds since the epoch. */
  readonly now: number;
}

/** The result of a policy. An error must have the code `ERR_CERTIFICATE_UNTRUSTED`; its detail states the reason. */
export type CertificateDecision = boolean | AccessTokenError;

/**
 * Decides whether a client certificate is accepted. Only `true` accepts it.
 *
 * Called for every request with a certificate, after the token and its binding were verified and before the route's
 * requirements are checked. Not called for a forged token, nor for a token that is bound to another certificate. If the
 * policy throws, does not settle within 5 s or returns a value outside this type, the request fails with 500 as an error of
 * the application.
 */
export type CertificatePolicy = (
  certificate: ClientCertificate,
  context: CertificateContext,
) => CertificateDecision | Promise<CertificateDecision>;

/** How a policy is applied. */
export interface PolicySettings {
  /** Seconds since the epoch. */
  readonly now: number;
  /** Whether a rejection by the policy is only reported in the accepted token. */
  readonly reportOnly: boolean;
}

/**
 * Applies a policy to the certificate of a verified token. Resolves with the token. Under `"report-only"`, a rejection
 * becomes part of the token.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_UNTRUSTED`
 */
export async function applyCertificatePolicy(
  token: AccessToken,
  policy: CertificatePolicy,
  { now, reportOnly }: PolicySettings,
): Promise<AccessToken> {
  // A token whose binding is already rejected has no clientCertificate: only the first reason is reported.
  const certificate = token.binding === "unbound" ? token.presentedCertificate : token.clientCertificate;
  if (certificate === undefined) return token;
  const context: CertificateContext = Object.freeze({ claims: token.claims, now });
  const rejection = rejectionOf(await callApplication("certificatePolicy", () => policy(certificate, context)));
  if (rejection === undefined) return token;
  if (reportOnly) return withRejectedBinding(token, certificate, rejection);
  throw rejection;
}

function withRejectedBinding(
  { format, claims }: AccessToken,
  presentedCertificate: ClientCertificate,
  bindingError: AccessTokenError,
): AccessToken {
  const outcome = { binding: "rejected", clientCertificate: undefined, presentedCertificate, bindingError } as const;
  return Object.freeze({ format, claims, ...outcome });
}

function rejectionOf(decision: unknown): AccessTokenError | undefined {
  if (decision === true) return undefined;
  if (decision === false) return untrusted("certificatePolicy returned false");
  if (decision instanceof AccessTokenError && decision.code === "ERR_CERTIFICATE_UNTRUSTED") return decision;
  throw new TypeError(
    "certbound: certificatePolicy must return true, false or an AccessTokenError with ERR_CERTIFICATE_UNTRUSTED",
  );
}

/** Creates the error for a certificate that a policy rejects. */
export function untrusted(detail: string): AccessTokenError {
  return rejected("ERR_CERTIFICATE_UNTRUSTED", detail);
}
