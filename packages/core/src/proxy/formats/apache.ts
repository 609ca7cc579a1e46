import { type VerifiedOptions, verifiedFormat } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Apache httpd: `RequestHeader set X-SSL-Client-Cert "%{SSL_CLIENT_CERT}s"`, `X-SSL-Client-Verify "%{SSL_CLIENT_VERIFY}s"`.
 *
 * A client of httpd can delete a header that httpd set by naming it in `Connection`. Therefore a request without the verify
 * header is rejected. If httpd is configured to send the RFC 9440 form, use `rfc9440()`.
 */
export function apache(options: VerifiedOptions = {}): ForwardedCertificateFormat {
  return verifiedFormat(options, {
    header: "x-ssl-client-cert",
    encoding: "pem-spaces",
    verify: {
      header: "x-ssl-client-verify",
      success: "SUCCESS",
      presented: (value) => value === "SUCCESS" || value === "GENEROUS" || value.startsWith("FAILED:"),
    },
  });
}
