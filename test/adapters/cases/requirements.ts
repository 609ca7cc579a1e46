import type { Requirements } from "@certbound/core";
import { NOW } from "../../helpers/parties.ts";
import {
  accepted,
  type AdapterCase,
  type Difference,
  type ExpectedResponse,
  invalidToken,
  rejected,
} from "../adapter-case.ts";

const insufficientScope =
  'Bearer realm="api", error="insufficient_scope", error_description="The access token does not permit this request"';

function forbidden(parameters: string = ""): ExpectedResponse {
  const challenge = insufficientScope + parameters;
  return { status: 403, challenge, retryAfter: null, body: '{"message":"forbidden"}' };
}

function authenticateAgain(parameters: string): ExpectedResponse {
  const challenge =
    'Bearer realm="api", error="insufficient_user_authentication", ' +
    `error_description="The authentication of the user does not meet the requirements"${parameters}`;
  return { ...invalidToken, challenge };
}

function requiring(requirements: Requirements<unknown>, claims: Record<string, unknown>): Difference {
  return { requirements, token: ({ token }) => token({ claims }) };
}

const scopes = { scopes: ["read", "write"] };
const groups = { groups: ["admins", "auditors"] };
const acr = { acrValues: ["urn:gold", "urn:silver"] };
const recent = { maxAge: 300 };
const both = { ...acr, ...recent };

const lacksScope = forbidden(', scope="read write"');
const lacksAcr = authenticateAgain(', acr_values="urn:gold urn:silver"');
const tooOld = authenticateAgain(', max_age="300"');
const lacksBoth = authenticateAgain(', acr_values="urn:gold urn:silver", max_age="300"');

/** The requirements of a route besides the binding (RFC 6750 section 3.1, RFC 9470 section 3). */
export const requirements: readonly AdapterCase[] = [
  accepted("a token with all scopes", requiring(scopes, { scope: "write other read" })),
  accepted("scopes as a list in scp", requiring(scopes, { scope: undefined, scp: ["read", "write"] })),
  rejected(
    "a token without one of the scopes",
    "ERR_SCOPE_INSUFFICIENT",
    requiring(scopes, { scope: "read" }),
    lacksScope,
  ),
  rejected("a token without a scope", "ERR_SCOPE_INSUFFICIENT", requiring(scopes, { scope: undefined }), lacksScope),
  rejected("a scope in upper case", "ERR_SCOPE_INSUFFICIENT", requiring(scopes, { scope: "READ write" }), lacksScope),
  rejected(
    "a scope that is only part of another",
    "ERR_SCOPE_INSUFFICIENT",
    requiring(scopes, { scope: "read writer" }),
    lacksScope,
  ),
  rejected("a stolen token that also lacks a scope", "ERR_BINDING_MISMATCH", {
    ...requiring(scopes, { scope: "read" }),
    presents: "thief",
  }),

  accepted("a token with one of the groups", requiring(groups, { groups: ["users", "auditors"] })),
  rejected("a token with other groups", "ERR_ACCESS_DENIED", requiring(groups, { groups: ["users"] }), forbidden()),
  rejected("a token without groups", "ERR_ACCESS_DENIED", requiring(groups, {}), forbidden()),

  accepted("one of the acr values", requiring(acr, { acr: "urn:silver" })),
  rejected("another acr value", "ERR_AUTHENTICATION_INSUFFICIENT", requiring(acr, { acr: "urn:bronze" }), lacksAcr),
  rejected("a missing acr value", "ERR_AUTHENTICATION_INSUFFICIENT", requiring(acr, {}), lacksAcr),
  rejected(
    "an acr value in a list",
    "ERR_AUTHENTICATION_INSUFFICIENT",
    requiring(acr, { acr: ["urn:gold"] }),
    lacksAcr,
  ),

  accepted("an authentication that is just recent enough", requiring(recent, { auth_time: NOW - 300 })),
  rejected(
    "an authentication that is one second too old",
    "ERR_AUTHENTICATION_INSUFFICIENT",
    requiring(recent, { auth_time: NOW - 301 }),
    tooOld,
  ),
  rejected("an authentication at an unknown time", "ERR_AUTHENTICATION_INSUFFICIENT", requiring(recent, {}), tooOld),
  rejected(
    "an authentication in the future",
    "ERR_AUTHENTICATION_INSUFFICIENT",
    requiring(recent, { auth_time: NOW + 60 }),
    tooOld,
  ),
  accepted("a sufficient acr value and a recent authentication", requiring(both, { acr: "urn:gold", auth_time: NOW })),
  rejected(
    "a sufficient acr value without auth_time",
    "ERR_AUTHENTICATION_INSUFFICIENT",
    requiring(both, { acr: "urn:gold" }),
    lacksBoth,
  ),

  accepted("a token that authorize accepts", { requirements: { authorize: () => true } }),
  accepted("a token that authorize accepts asynchronously", { requirements: { authorize: async () => true } }),
  accepted("a token whose claims authorize accepts", {
    requirements: { authorize: (token) => token.claims.sub === "client-1" },
  }),
  rejected(
    "a token that authorize rejects",
    "ERR_ACCESS_DENIED",
    { requirements: { authorize: () => false } },
    forbidden(),
  ),
  rejected(
    "a token that authorize rejects asynchronously",
    "ERR_ACCESS_DENIED",
    { requirements: { authorize: async () => false } },
    forbidden(),
  ),
  rejected("a stolen token even if authorize accepts it", "ERR_BINDING_MISMATCH", {
    requirements: { authorize: () => true },
    presents: "thief",
  }),
];
