import type { AccessTokenError, AccessTokenErrorCode } from "@certbound/core";

/** The steps of a verification, in the order in which core performs them. */
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

/** The name of a step. */
export type StepName = (typeof stepNames)[number];

/** The step of each error code; a missing code is a compile error. */
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

/** A failed step, with the error of core. */
export interface StepFailure {
  readonly step: StepName;
  readonly error: AccessTokenError;
}

/** The result of all verification attempts. */
export interface ProbeResult {
  /** In the order of the steps; the API responds with the first one. */
  readonly failures: readonly StepFailure[];
  /**
   * The step at which probing stopped, because its check failed and could not be skipped; undefined if every step was
   * reached.
   */
  readonly stoppedAt: StepName | undefined;
  /** Steps whose profile rules were not checked, because the profile had to be dropped to get past an earlier failure. */
  readonly partlyChecked: readonly StepName[];
}

/** The status of a step; `unknown` if the step was not reached, or had nothing to check. */
export type StepStatus = "passed" | "failed" | "unknown";

/** The result of one step. */
export interface StepResult {
  readonly step: StepName;
  readonly status: StepStatus;
  readonly failure: StepFailure | undefined;
}

/** Further facts that determine the status of a step. */
export interface StepContext {
  readonly requiresScopes: boolean;
  /**
   * True if `exp` is missing, or if `exp`, `nbf` or `iat` is malformed: core then fails in the step `claims` before it checks
   * any time.
   */
  readonly hasUnreadableTime: boolean;
  /** True if the issuer's keys are known (fetched, or read from a file). */
  readonly hasKeys: boolean;
}

/** Returns the result of every step, in order. */
export function verificationSteps(
  { failures, stoppedAt, partlyChecked }: ProbeResult,
  context: StepContext,
): readonly StepResult[] {
  const end = stoppedAt === undefined ? stepNames.length : stepNames.indexOf(stoppedAt);
  const failed = new Map(failures.map((failure) => [failure.step, failure]));
  return stepNames.map((step, index) => {
    const failure = failed.get(step);
    if (failure !== undefined) return { step, status: "failed", failure };
    const isCheckedSeparately =
      (step === "certificate" || step === "binding") && index > end && bindingWasChecked(failed, stoppedAt);
    const isReached = index < end || isCheckedSeparately;
    const isPassed = isReached && !partlyChecked.includes(step) && !isUnknown(step, failed, context);
    return { step, status: isPassed ? "passed" : "unknown", failure: undefined };
  });
}

/** Returns true if certificate and binding were checked separately, which requires a parsed token. */
function bindingWasChecked(failed: ReadonlyMap<StepName, StepFailure>, stoppedAt: StepName | undefined): boolean {
  return stoppedAt !== "token" && (!failed.has("certificate") || failed.has("binding"));
}

function isUnknown(
  step: StepName,
  failed: ReadonlyMap<StepName, StepFailure>,
  { requiresScopes, hasUnreadableTime, hasKeys }: StepContext,
): boolean {
  // Without a certificate, the binding cannot be checked.
  if (step === "binding") return failed.has("certificate");
  if (step === "requirements") return !requiresScopes;
  if (step === "time") return hasUnreadableTime;
  return step === "keys" && !hasKeys;
}
