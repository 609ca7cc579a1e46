import type { Fault, Probing } from "./probe.ts";
import { type StepName, stepNames } from "./step-names.ts";

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
  readonly asksForScopes: boolean;
  /** A time of the token is missing or none: that is refused as a claim, and then no time was judged. */
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
  { asksForScopes, hasUnreadableTime, hasKeys }: StepContext,
): boolean {
  // Without a certificate nothing can be bound to it.
  if (step === "binding") return failed.has("certificate");
  if (step === "requirements") return !asksForScopes;
  if (step === "time") return hasUnreadableTime;
  return step === "keys" && !hasKeys;
}
