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

/** The one table: what every adapter must make of a request. */
export const cases: readonly AdapterCase[] = [
  ...presentedCertificate,
  ...authorizationHeader,
  ...tokenForm,
  ...tokenHeader,
  ...claimValues,
  ...confirmationShapes,
  ...bindingMode,
  ...requirements,
  ...answers,
  ...opaqueTokens,
];
