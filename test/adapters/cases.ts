import type { AdapterCase } from "./adapter-case.ts";
import { authorizationHeader } from "./cases/authorization-header.ts";
import { bindingMode } from "./cases/binding-mode.ts";
import { claimValues } from "./cases/claims.ts";
import { confirmations } from "./cases/confirmation.ts";
import { opaqueTokens } from "./cases/opaque-token.ts";
import { presentedCertificate } from "./cases/presented-certificate.ts";
import { requirements } from "./cases/requirements.ts";
import { responses } from "./cases/response.ts";
import { tokenForm } from "./cases/token-form.ts";
import { tokenHeader } from "./cases/token-header.ts";

/** All cases. Cases about tokens, claims and requirements do not need a request, because only the verifier checks them. */
export const allCases: readonly AdapterCase[] = [
  ...presentedCertificate,
  ...authorizationHeader,
  ...responses,
  ...tokenForm,
  ...tokenHeader,
  ...claimValues,
  ...confirmations,
  ...bindingMode,
  ...requirements,
  ...opaqueTokens,
];

/**
 * The cases for every front end: all cases about requests and responses, and the first other case with each outcome,
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
