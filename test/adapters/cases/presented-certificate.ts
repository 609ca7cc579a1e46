import { accepted, type AdapterCase, rejected } from "../adapter-case.ts";

/** Who comes with the token (RFC 8705 section 3). */
export const presentedCertificate: readonly AdapterCase[] = [
  accepted("a token with the certificate that it is bound to"),
  rejected("the token with another certificate of the same authority and name", "ERR_BINDING_MISMATCH", {
    presents: "thief",
  }),
  rejected("the token without a certificate", "ERR_CERTIFICATE_MISSING", { presents: "nobody" }),
  rejected("a token that is bound to nothing", "ERR_BINDING_REQUIRED", { token: ({ issuer }) => issuer.accessToken() }),
  rejected("a token that is bound to nothing, without a certificate", "ERR_CERTIFICATE_MISSING", {
    token: ({ issuer }) => issuer.accessToken(),
    presents: "nobody",
  }),
  rejected("a token that is bound to the other certificate", "ERR_BINDING_MISMATCH", {
    token: ({ token, thief }) => token({ boundTo: thief }),
  }),
];
