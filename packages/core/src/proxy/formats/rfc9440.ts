import { headerFormat, type HeaderOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * The format of RFC 9440: `Client-Cert: :base64 DER:`.
 *
 * The proxy must remove the header from every request in which it does not set the header (RFC 9440 section 2.4). The header
 * means that the proxy accepted the certificate according to its policy.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#rfc9440 -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(rfc9440(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function rfc9440(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return headerFormat(options, { header: "client-cert", encoding: "rfc9440" });
}
