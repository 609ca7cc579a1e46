import { type VerifiedOptions, verifiedFormat } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Apache httpd: `RequestHeader set X-SSL-Client-Cert "%{SSL_CLIENT_CERT}s"`, `X-SSL-Client-Verify "%{SSL_CLIENT_VERIFY}s"`.
 *
 * A client can make httpd drop a header that httpd has set: the client names the header in `Connection`. Therefore a request
 * without the verify header is rejected. If httpd is configured to send the header of RFC 9440, use `rfc9440()`.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#apache -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(apache(), { trust }),
 * });
 * ```
 * @category Proxy formats
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
