import type { Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, type ExpectedResponse, rejected } from "../adapter-case.ts";

const unavailable: ExpectedResponse = {
  status: 503,
  challenge: null,
  retryAfter: "1",
  body: '{"message":"service unavailable"}',
};

const insufficientScope: ExpectedResponse = {
  status: 403,
  challenge:
    'Bearer realm="api", error="insufficient_scope", ' +
    'error_description="The access token does not permit this request", scope="admin"',
  retryAfter: null,
  body: '{"message":"forbidden"}',
};

const opaque = { introspection: "available", token: ({ opaqueToken }: Parties) => opaqueToken() } as const;
const unbound = { ...opaque, token: ({ issuer }: Parties) => issuer.opaqueToken() };
const whenBound = { requirements: { validateCertificateBinding: "when-bound" } } as const;
const reportOnly = { requirements: { validateCertificateBinding: "report-only" } } as const;
const failing = { ...opaque, introspection: "failing" } as const;

async function revoked({ opaqueToken, issuer }: Parties): Promise<string> {
  const token = await opaqueToken();
  issuer.revoke(token);
  return token;
}

/** Tokens that are introspected (RFC 7662, RFC 8705 section 3.2). */
export const opaqueTokens: readonly AdapterCase[] = [
  accepted("an opaque token with the certificate that it is bound to", opaque),
  rejected("a stolen opaque token", "ERR_BINDING_MISMATCH", { ...opaque, presents: "thief" }),
  rejected("an opaque token without a certificate", "ERR_CERTIFICATE_MISSING", { ...opaque, presents: "none" }),
  rejected("an unbound opaque token", "ERR_BINDING_REQUIRED", unbound),
  rejected("a revoked opaque token", "ERR_TOKEN_INACTIVE", { ...opaque, token: revoked }),
  rejected("an unknown opaque token", "ERR_TOKEN_INACTIVE", { ...opaque, token: () => "7f3c1de05b2a4e6f" }),
  rejected("an opaque token for another API", "ERR_TOKEN_AUDIENCE", {
    ...opaque,
    token: ({ opaqueToken }) => opaqueToken({ claims: { aud: "https://other.example" } }),
  }),
  rejected("an opaque token with a character that is not allowed in a bearer token", "ERR_TOKEN_MALFORMED", {
    ...opaque,
    token: async ({ opaqueToken }) => `${await opaqueToken()}!`,
  }),
  rejected(
    "an opaque token without the scope of the route",
    "ERR_SCOPE_INSUFFICIENT",
    { ...opaque, requirements: { scopes: ["admin"] } },
    insufficientScope,
  ),
  rejected("an opaque token without introspection", "ERR_TOKEN_MALFORMED", {
    token: ({ opaqueToken }) => opaqueToken(),
  }),

  accepted("an unbound opaque token in mode when-bound", { ...unbound, ...whenBound }, { binding: "unbound" }),
  rejected("a stolen opaque token in mode when-bound", "ERR_BINDING_MISMATCH", {
    ...opaque,
    ...whenBound,
    presents: "thief",
  }),
  accepted(
    "a stolen opaque token in mode report-only",
    { ...opaque, ...reportOnly, presents: "thief" },
    { binding: "rejected", bindingError: "ERR_BINDING_MISMATCH" },
  ),
  rejected("a revoked opaque token in mode report-only", "ERR_TOKEN_INACTIVE", {
    ...opaque,
    ...reportOnly,
    token: revoked,
  }),

  rejected("an opaque token while introspection fails", "ERR_INTROSPECTION_UNAVAILABLE", failing, unavailable),
  rejected("an opaque token without a certificate while introspection fails", "ERR_CERTIFICATE_MISSING", {
    ...failing,
    presents: "none",
  }),
  accepted("a JWT while introspection fails", { introspection: "failing" }),
  accepted("a JWT where introspection is configured", { introspection: "available" }),
  rejected("a stolen JWT where introspection is configured", "ERR_BINDING_MISMATCH", {
    introspection: "available",
    presents: "thief",
  }),
];
