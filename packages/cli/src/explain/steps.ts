import type { AccessTokenError, AccessTokenErrorCode } from "@certbound/core";

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

/** What core found, in its own words. */
export interface Fault {
  readonly step: StepName;
  readonly error: AccessTokenError;
}

/** All that core found. */
export interface Probing {
  /** In the order of core; the first is the one that the API answers with. */
  readonly faults: readonly Fault[];
  /** The step at which there was nothing left to remove; undefined: all of them were reached. */
  readonly stopped: StepName | undefined;
  /** The steps of which only a part was judged, since a profile had to be left out, and with it its own demands. */
  readonly partlyJudged: readonly StepName[];
}

/** What became of one step; `unknown`: it was not reached, or nothing was asked of it. */
export type StepStatus = "passed" | "failed" | "unknown";

/** One step, with what core found in it. */
export interface JudgedStep {
  readonly step: StepName;
  readonly status: StepStatus;
  readonly fault: Fault | undefined;
}

/** What else decides about a step's mark. */
export interface StepContext {
  readonly requiresScopes: boolean;
  /** A time of the token is missing or none: that is rejected as a claim, and then no time was judged. */
  readonly hasUnreadableTime: boolean;
  /** The keys could be fetched. */
  readonly hasKeys: boolean;
}

/** Lists the steps in order, each with its mark. */
export function verificationSteps(
  { faults, stopped, partlyJudged }: Probing,
  context: StepContext,
): readonly JudgedStep[] {
  const end = stopped === undefined ? stepNames.length : stepNames.indexOf(stopped);
  const failed = new Map(faults.map((fault) => [fault.step, fault]));
  return stepNames.map((step, index) => {
    const fault = failed.get(step);
    if (fault !== undefined) return { step, status: "failed", fault };
    const isJudgedApart =
      (step === "certificate" || step === "binding") && index > end && bindingWasJudged(failed, stopped);
    const isReached = index < end || isJudgedApart;
    const isPassed = isReached && !partlyJudged.includes(step) && !isUnknown(step, failed, context);
    return { step, status: isPassed ? "passed" : "unknown", fault: undefined };
  });
}

/** Without a parsed token there are no claims to judge. */
function bindingWasJudged(failed: ReadonlyMap<StepName, Fault>, stopped: StepName | undefined): boolean {
  return stopped !== "token" && (!failed.has("certificate") || failed.has("binding"));
}

function isUnknown(
  step: StepName,
  failed: ReadonlyMap<StepName, Fault>,
  { requiresScopes, hasUnreadableTime, hasKeys }: StepContext,
): boolean {
  // Without a certificate nothing can be bound to it.
  if (step === "binding") return failed.has("certificate");
  if (step === "requirements") return !requiresScopes;
  if (step === "time") return hasUnreadableTime;
  return step === "keys" && !hasKeys;
}
