import type { AccessTokenErrorCode } from "@certbound/core";

/** The steps of a verification, in the order of core. */
export const stepNames = [
  "token",
  "algorithm",
  "type",
  "issuer",
  "audience",
  "time",
  "claims",
  "certificate",
  "binding",
  "keys",
  "signature",
  "requirements",
] as const;

/** One of them. */
export type StepName = (typeof stepNames)[number];

/** Which step answers with which code; a code without a row does not compile. */
export const stepOfCode: Readonly<Record<AccessTokenErrorCode, StepName>> = {
  ERR_TOKEN_MISSING: "token",
  ERR_REQUEST_MALFORMED: "token",
  ERR_TOKEN_MALFORMED: "token",
  ERR_TOKEN_INACTIVE: "token",
  ERR_TOKEN_ALGORITHM: "algorithm",
  ERR_TOKEN_TYPE: "type",
  ERR_TOKEN_ISSUER: "issuer",
  ERR_TOKEN_AUDIENCE: "audience",
  ERR_TOKEN_EXPIRED: "time",
  ERR_TOKEN_NOT_YET_VALID: "time",
  ERR_TOKEN_CLAIM: "claims",
  ERR_CERTIFICATE_MISSING: "certificate",
  ERR_CERTIFICATE_MALFORMED: "certificate",
  ERR_CERTIFICATE_UNTRUSTED: "certificate",
  ERR_BINDING_REQUIRED: "binding",
  ERR_BINDING_MALFORMED: "binding",
  ERR_BINDING_UNSUPPORTED: "binding",
  ERR_BINDING_MISMATCH: "binding",
  ERR_KEYS_UNAVAILABLE: "keys",
  ERR_INTROSPECTION_UNAVAILABLE: "keys",
  ERR_TOKEN_KEY_UNKNOWN: "keys",
  ERR_TOKEN_SIGNATURE: "signature",
  ERR_SCOPE_INSUFFICIENT: "requirements",
  ERR_AUTHENTICATION_INSUFFICIENT: "requirements",
  ERR_ACCESS_DENIED: "requirements",
};
