import { encodedFormat, type EncodedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Caddy: `header_up X-Client-Cert-Der-Base64 {http.request.tls.client.certificate_der_base64}` (default), or with
 * `"sha256-hex"`: `header_up X-Client-Cert-Sha256 {http.request.tls.client.fingerprint}`.
 *
 * Caddy does not report whether it verified the certificate: every certificate that `client_auth` accepts is accepted. Without
 * a certificate, versions before 2.11.2 send the text of the placeholder, and later versions an empty value or the SHA-256 of
 * an empty input. All of these are treated as a missing certificate.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#caddy -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(caddy(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function caddy(options: EncodedOptions<"der-base64" | "sha256-hex"> = {}): ForwardedCertificateFormat {
  return encodedFormat(options, {
    "der-base64": "x-client-cert-der-base64",
    "sha256-hex": "x-client-cert-sha256",
  });
}
