import { accepted, type AdapterCase, rejected } from "../adapter-case.ts";

/** The client certificate that is presented with the token (RFC 8705 section 3). */
export const presentedCertificate: readonly AdapterCase[] = [
  accepted("a token with the certificate that it is bound to"),
  rejected("a token with another certificate of the same CA and name", "ERR_BINDING_MISMATCH", {
    presents: "thief",
  }),
  rejected("a token without a certificate", "ERR_CERTIFICATE_MISSING", { presents: "none" }),
  rejected("an unbound token", "ERR_BINDING_REQUIRED", { token: ({ issuer }) => issuer.accessToken() }),
  rejected("an unbound token without a certificate", "ERR_CERTIFICATE_MISSING", {
    token: ({ issuer }) => issuer.accessToken(),
    presents: "none",
  }),
  rejected("a token that is bound to another certificate", "ERR_BINDING_MISMATCH", {
    token: ({ token, thief }) => token({ boundTo: thief }),
  }),
];
