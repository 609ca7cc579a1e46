import type { AccessToken, AccessTokenClaims } from "../access-token.ts";
import { callApplication } from "../runtime/application-callback.ts";
import type { ClientCertificate } from "../certificate/client-certificate.ts";
import { AccessTokenError, rejected } from "../errors.ts";

/** What a certificate is judged beside. */
export interface CertificateContext {
  /** The claims of the token that came with it, verified. */
  readonly claims: AccessTokenClaims;
  /** Seconds since the epoch, by the verifier's clock. */
  readonly now: number;
}

/** What a policy says: an error, whose code is `ERR_CERTIFICATE_UNTRUSTED`, also says why. */
export type CertificateDecision = boolean | AccessTokenError;

/**
 * Judges a client certificate beyond its thumbprint; only `true` accepts it.
 *
 * It is called for every request with a certificate, after the token and its binding were verified, so that no forged token
 * reaches it, and a stolen one only if it is unbound (`"when-bound"`); and before the route's requirements. What it throws,
 * and what it returns outside this type, is an error of the application (500).
 */
export type CertificatePolicy = (
  certificate: ClientCertificate,
  context: CertificateContext,
) => CertificateDecision | Promise<CertificateDecision>;

/** How a policy is asked. */
export interface PolicyUse {
  /** Seconds since the epoch. */
  readonly now: number;
  /** Nothing is rejected for its binding: what the policy rejects is reported in the token. */
  readonly isReported: boolean;
}

/**
 * Applies a policy to the certificate of a token that was verified; resolves with the token.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_UNTRUSTED`
 */
export async function applyCertificatePolicy(
  token: AccessToken,
  policy: CertificatePolicy,
  { now, isReported }: PolicyUse,
): Promise<AccessToken> {
  // A binding that was rejected is reported already, with the first reason.
  const certificate = token.binding === "unbound" ? token.presentedCertificate : token.clientCertificate;
  if (certificate === undefined) return token;
  const context: CertificateContext = Object.freeze({ claims: token.claims, now });
  const rejection = rejectionOf(await callApplication("certificatePolicy", () => policy(certificate, context)));
  if (rejection === undefined) return token;
  if (isReported) return withRejectedBinding(token, certificate, rejection);
  throw rejection;
}

function withRejectedBinding(
  { format, claims }: AccessToken,
  presentedCertificate: ClientCertificate,
  bindingError: AccessTokenError,
): AccessToken {
  const unproven = { binding: "rejected", clientCertificate: undefined, presentedCertificate, bindingError } as const;
  return Object.freeze({ format, claims, ...unproven });
}

function rejectionOf(decision: unknown): AccessTokenError | undefined {
  if (decision === true) return undefined;
  if (decision === false) return untrusted("certificatePolicy returned false");
  if (decision instanceof AccessTokenError && decision.code === "ERR_CERTIFICATE_UNTRUSTED") return decision;
  throw new TypeError(
    "certbound: certificatePolicy must return true, false or an AccessTokenError with ERR_CERTIFICATE_UNTRUSTED",
  );
}

/** Makes the error of a certificate that a policy does not accept. */
export function untrusted(detail: string): AccessTokenError {
  return rejected("ERR_CERTIFICATE_UNTRUSTED", detail);
}
