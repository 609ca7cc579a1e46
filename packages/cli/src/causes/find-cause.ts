import type { AccessTokenErrorCode } from "@certbound/core";
import type { Cause, Facts, FoundCause } from "./cause.ts";
import { certificateCauses } from "./certificate-causes.ts";
import { claimCauses } from "./claim-causes.ts";
import { confirmationCauses } from "./confirmation-causes.ts";
import { identifierCauses } from "./identifier-causes.ts";
import { keyCauses } from "./key-causes.ts";
import { mismatchCauses } from "./mismatch-causes.ts";
import { tokenCauses } from "./token-causes.ts";

/** All causes. findCause returns the first one that has the code and applies, so more likely causes come first. */
export const causes: readonly Cause[] = [
  ...tokenCauses,
  ...identifierCauses,
  ...claimCauses,
  ...certificateCauses,
  ...confirmationCauses,
  ...mismatchCauses,
  ...keyCauses,
];

/** Finds the most likely cause of an error code of core. */
export function findCause(code: AccessTokenErrorCode, facts: Facts): FoundCause | undefined {
  const cause = causes.find(({ codes, applies = () => true }) => codes.includes(code) && applies(facts));
  return cause && { id: cause.id, reason: resolveText(cause.reason, facts), fix: resolveText(cause.fix, facts) };
}

function resolveText(text: Cause["reason"], facts: Facts): string {
  return typeof text === "string" ? text : text(facts);
}
