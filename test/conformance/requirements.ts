import { requestAttacks } from "./attacks-on-requests.ts";
import { tokenAttacks } from "./attacks-on-tokens.ts";
import type { Requirement } from "./requirement.ts";
import { bindingRequirements } from "./requirements-of-binding.ts";
import { issuerRequirements } from "./requirements-of-issuers.ts";
import { joseRequirements } from "./requirements-of-jose.ts";
import { profileRequirements } from "./requirements-of-profiles.ts";
import { tokenRequirements } from "./requirements-of-tokens.ts";

const all = [
  ...bindingRequirements,
  ...tokenRequirements,
  ...joseRequirements,
  ...issuerRequirements,
  ...profileRequirements,
  ...tokenAttacks,
  ...requestAttacks,
];

/** The id of a row of the tables; an unknown id does not compile. */
export type RequirementId = (typeof all)[number]["id"];

/** The rows of one section of the page, in order. */
export interface RequirementGroup {
  readonly title: string;
  readonly rows: readonly (Requirement & { readonly id: RequirementId })[];
}

/** All requirements, including those that do not apply. */
export const requirementGroups: readonly RequirementGroup[] = [
  { title: "Binding and certificates: RFC 8705, RFC 7800, RFC 9449, RFC 9440", rows: bindingRequirements },
  { title: "Access tokens and requests: RFC 9068, RFC 6750, RFC 9470", rows: tokenRequirements },
  { title: "JSON Web Tokens: RFC 7515, RFC 7519, RFC 7518, RFC 7797, RFC 9864, RFC 8725", rows: joseRequirements },
  {
    title: "Issuers and best practice: RFC 7662, RFC 8414, RFC 9700, RFC 9728, status lists",
    rows: issuerRequirements,
  },
  { title: "Profiles: FAPI, Open Finance Brasil, Consumer Data Right, Open Banking UK", rows: profileRequirements },
  { title: "Attacks on the algorithm, key, form and claims of a token", rows: tokenAttacks },
  { title: "Attacks on the binding, proxies, connections and caches", rows: requestAttacks },
];
