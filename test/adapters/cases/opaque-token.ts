import type { Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, type Answer, rejected } from "../adapter-case.ts";

const unavailable: Answer = {
  status: 503,
  challenge: null,
  retryAfter: "1",
  body: '{"message":"service unavailable"}',
};

const insufficientScope: Answer = {
  status: 403,
  challenge:
    'Bearer realm="api", error="insufficient_scope", ' +
    'error_description="The access token does not permit this request", scope="admin"',
  retryAfter: null,
  body: '{"message":"forbidden"}',
};

const opaque = { introspection: "answering", token: ({ opaqueToken }: Parties) => opaqueToken() } as const;
const unbound = { ...opaque, token: ({ issuer }: Parties) => issuer.opaqueToken() };
const whenBound = { requirements: { validateCertificateBinding: "when-bound" } } as const;
const reportOnly = { requirements: { validateCertificateBinding: "report-only" } } as const;
const failing = { ...opaque, introspection: "failing" } as const;

async function revoked({ opaqueToken, issuer }: Parties): Promise<string> {
  const token = await opaqueToken();
  issuer.revoke(token);
  return token;
}

/** Tokens that the issuer is asked about (RFC 7662, RFC 8705 section 3.2). */
export const opaqueTokens: readonly AdapterCase[] = [
  accepted("an opaque token with the certificate that it is bound to", opaque),
  rejected("a stolen opaque token", "ERR_BINDING_MISMATCH", { ...opaque, presents: "thief" }),
  rejected("an opaque token without a certificate", "ERR_CERTIFICATE_MISSING", { ...opaque, presents: "nobody" }),
  rejected("an opaque token that is bound to nothing", "ERR_BINDING_REQUIRED", unbound),
  rejected("a revoked opaque token", "ERR_TOKEN_INACTIVE", { ...opaque, token: revoked }),
  rejected("an opaque token that nobody issued", "ERR_TOKEN_INACTIVE", { ...opaque, token: () => "7f3c1de05b2a4e6f" }),
  rejected("an opaque token for another API", "ERR_TOKEN_AUDIENCE", {
    ...opaque,
    token: ({ opaqueToken }) => opaqueToken({ claims: { aud: "https://other.example" } }),
  }),
  rejected("an opaque token with a character that no bearer token has", "ERR_TOKEN_MALFORMED", {
    ...opaque,
    token: async ({ opaqueToken }) => `${await opaqueToken()}!`,
  }),
  rejected(
    "an opaque token without the scope of the route",
    "ERR_SCOPE_INSUFFICIENT",
    { ...opaque, requirements: { scopes: ["admin"] } },
    insufficientScope,
  ),
  rejected("an opaque token where nobody is asked", "ERR_TOKEN_MALFORMED", {
    token: ({ opaqueToken }) => opaqueToken(),
  }),

  accepted("an unbound opaque token when-bound", { ...unbound, ...whenBound }, { binding: "unbound" }),
  rejected("a stolen opaque token when-bound", "ERR_BINDING_MISMATCH", { ...opaque, ...whenBound, presents: "thief" }),
  accepted(
    "a stolen opaque token report-only",
    { ...opaque, ...reportOnly, presents: "thief" },
    { binding: "rejected", bindingError: "ERR_BINDING_MISMATCH" },
  ),
  rejected("a revoked opaque token report-only", "ERR_TOKEN_INACTIVE", { ...opaque, ...reportOnly, token: revoked }),

  rejected("an opaque token while nobody answers about it", "ERR_INTROSPECTION_UNAVAILABLE", failing, unavailable),
  rejected("an opaque token without a certificate even then", "ERR_CERTIFICATE_MISSING", {
    ...failing,
    presents: "nobody",
  }),
  accepted("a JWT even then", { introspection: "failing" }),
  accepted("a JWT beside opaque tokens", { introspection: "answering" }),
  rejected("a stolen JWT beside opaque tokens", "ERR_BINDING_MISMATCH", {
    introspection: "answering",
    presents: "thief",
  }),
];
