import type { Requirements } from "@certbound/core";
import { NOW } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, type Answer, type Difference, invalidToken, rejected } from "../adapter-case.ts";

const insufficientScope =
  'Bearer realm="api", error="insufficient_scope", error_description="The access token does not permit this request"';

function forbidden(parameters: string = ""): Answer {
  const challenge = insufficientScope + parameters;
  return { status: 403, challenge, retryAfter: null, body: '{"message":"forbidden"}' };
}

function authenticateAgain(parameters: string): Answer {
  const challenge =
    'Bearer realm="api", error="insufficient_user_authentication", ' +
    `error_description="The authentication of the user does not meet the requirements"${parameters}`;
  return { ...invalidToken, challenge };
}

function asked(requirements: Requirements<unknown>, claims: Record<string, unknown>): Difference {
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

/** What a route asks for beyond the binding (RFC 6750 section 3.1, RFC 9470 section 3). */
export const requirements: readonly AdapterCase[] = [
  accepted("a token with all scopes", asked(scopes, { scope: "write other read" })),
  accepted("scopes as a list in scp", asked(scopes, { scope: undefined, scp: ["read", "write"] })),
  rejected("one scope missing", "ERR_SCOPE_INSUFFICIENT", asked(scopes, { scope: "read" }), lacksScope),
  rejected("no scope at all", "ERR_SCOPE_INSUFFICIENT", asked(scopes, { scope: undefined }), lacksScope),
  rejected("a scope in upper case", "ERR_SCOPE_INSUFFICIENT", asked(scopes, { scope: "READ write" }), lacksScope),
  rejected(
    "a scope as a part of another",
    "ERR_SCOPE_INSUFFICIENT",
    asked(scopes, { scope: "read writer" }),
    lacksScope,
  ),
  rejected("a stolen token that lacks a scope too", "ERR_BINDING_MISMATCH", {
    ...asked(scopes, { scope: "read" }),
    presents: "thief",
  }),

  accepted("a token of one of the groups", asked(groups, { groups: ["users", "auditors"] })),
  rejected("a token of other groups", "ERR_ACCESS_DENIED", asked(groups, { groups: ["users"] }), forbidden()),
  rejected("a token without groups", "ERR_ACCESS_DENIED", asked(groups, {}), forbidden()),

  accepted("one of the authentication classes", asked(acr, { acr: "urn:silver" })),
  rejected("another class", "ERR_AUTHENTICATION_INSUFFICIENT", asked(acr, { acr: "urn:bronze" }), lacksAcr),
  rejected("no class", "ERR_AUTHENTICATION_INSUFFICIENT", asked(acr, {}), lacksAcr),
  rejected("a class in a list", "ERR_AUTHENTICATION_INSUFFICIENT", asked(acr, { acr: ["urn:gold"] }), lacksAcr),

  accepted("an authentication that is just recent enough", asked(recent, { auth_time: NOW - 300 })),
  rejected("one that is not", "ERR_AUTHENTICATION_INSUFFICIENT", asked(recent, { auth_time: NOW - 301 }), tooOld),
  rejected("one at an unknown time", "ERR_AUTHENTICATION_INSUFFICIENT", asked(recent, {}), tooOld),
  rejected("one in the future", "ERR_AUTHENTICATION_INSUFFICIENT", asked(recent, { auth_time: NOW + 60 }), tooOld),
  accepted("a user of the class who came just now", asked(both, { acr: "urn:gold", auth_time: NOW })),
  rejected("the class, but long ago", "ERR_AUTHENTICATION_INSUFFICIENT", asked(both, { acr: "urn:gold" }), lacksBoth),

  accepted("a token that authorize lets pass", { requirements: { authorize: () => true } }),
  accepted("a token that authorize lets pass later", { requirements: { authorize: async () => true } }),
  accepted("a token that authorize knows", { requirements: { authorize: (token) => token.claims.sub === "client-1" } }),
  rejected("one that it does not", "ERR_ACCESS_DENIED", { requirements: { authorize: () => false } }, forbidden()),
  rejected(
    "one that it rejects later",
    "ERR_ACCESS_DENIED",
    { requirements: { authorize: async () => false } },
    forbidden(),
  ),
  rejected("a stolen token, whatever authorize says", "ERR_BINDING_MISMATCH", {
    requirements: { authorize: () => true },
    presents: "thief",
  }),
];
