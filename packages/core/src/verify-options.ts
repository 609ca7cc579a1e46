import type { ClientCertificateInput } from "./certificate/client-certificate.ts";
import { AccessTokenError, isCertificateErrorCode } from "./errors.ts";
import type { OptionRules } from "./values/known-options.ts";
import { requirementRules, type Requirements } from "./requirements.ts";

/** What one token is verified against. */
export interface VerifyOptions extends Requirements {
  /** The certificate that the client presented; null or `""`: none; an error: why there is none. Must be given. */
  readonly clientCertificate: ClientCertificateInput | AccessTokenError | null;
}

/** The rules of these options. */
export const verifyRules: OptionRules<VerifyOptions> = {
  ...requirementRules,
  clientCertificate: {
    expected:
      "PEM, base64 DER, bytes, an X509Certificate, { thumbprint }, an AccessTokenError with an ERR_CERTIFICATE_* code, or null",
    accepts: (value) =>
      value instanceof AccessTokenError
        ? isCertificateErrorCode(value.code)
        : // null is an object, too.
          typeof value === "string" || (typeof value === "object" && !Array.isArray(value)),
  },
};
