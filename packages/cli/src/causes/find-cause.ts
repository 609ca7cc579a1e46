import type { AccessTokenErrorCode } from "@certbound/core";
import type { Facts } from "../explain/facts.ts";
import { bindingCauses } from "./binding-causes.ts";
import type { Cause, FoundCause } from "./cause.ts";
import { certificateCauses } from "./certificate-causes.ts";
import { claimCauses } from "./claim-causes.ts";
import { headerCauses } from "./header-causes.ts";
import { keyCauses } from "./key-causes.ts";
import { tokenCauses } from "./token-causes.ts";

/** All causes; of each code the first that applies is the likeliest. */
export const causes: readonly Cause[] = [
  ...tokenCauses,
  ...headerCauses,
  ...claimCauses,
  ...certificateCauses,
  ...bindingCauses,
  ...keyCauses,
];

/** Finds the likeliest reason for a refusal of core. */
export function findCause(code: AccessTokenErrorCode, facts: Facts): FoundCause | undefined {
  const cause = causes.find(({ codes, applies = () => true }) => codes.includes(code) && applies(facts));
  return cause && { id: cause.id, reason: inWords(cause.reason, facts), fix: inWords(cause.fix, facts) };
}

function inWords(text: Cause["reason"], facts: Facts): string {
  return typeof text === "string" ? text : text(facts);
}
