import type { AdapterCase } from "./adapter-case.ts";
import { answers } from "./cases/answer.ts";
import { authorizationHeader } from "./cases/authorization-header.ts";
import { bindingMode } from "./cases/binding-mode.ts";
import { claimValues } from "./cases/claims.ts";
import { confirmationShapes } from "./cases/confirmation.ts";
import { opaqueTokens } from "./cases/opaque-token.ts";
import { presentedCertificate } from "./cases/presented-certificate.ts";
import { requirements } from "./cases/requirements.ts";
import { tokenForm } from "./cases/token-form.ts";
import { tokenHeader } from "./cases/token-header.ts";

/** Every case. Those that concern tokens, claims and requirements need no request: the verifier alone decides them. */
export const allCases: readonly AdapterCase[] = [
  ...presentedCertificate,
  ...authorizationHeader,
  ...answers,
  ...tokenForm,
  ...tokenHeader,
  ...claimValues,
  ...confirmationShapes,
  ...bindingMode,
  ...requirements,
  ...opaqueTokens,
];

/**
 * What every front end must do: all cases that concern requests and responses, and of the others the first with each outcome,
 * that is, each error code, each response and each kind of acceptance.
 */
export const contractCases: readonly AdapterCase[] = firstOfEachOutcome(allCases);

function firstOfEachOutcome(cases: readonly AdapterCase[]): readonly AdapterCase[] {
  const seen = new Set<string>();
  return cases.filter(({ request, rejection, keys, expected }) => {
    const outcome = JSON.stringify(expected);
    const concernsRequests = request !== undefined || rejection !== undefined || keys !== undefined;
    if (!concernsRequests && seen.has(outcome)) return false;
    seen.add(outcome);
    return true;
  });
}
