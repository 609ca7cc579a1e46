import { encodedFormat, type EncodedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Cloudflare with `client_certificate_forwarding`: `Cf-Client-Cert-Der-Base64` (default), or with `"sha256-hex"`:
 * `Cf-Client-Cert-Sha256`. With `"rfc9440"`: a transform rule that sets `Client-Cert` to `cf.tls_client_auth.cert_rfc9440`.
 *
 * Make the transform rule conditional on `cert_verified and not cert_revoked`, and add a rule before it that always removes
 * the header.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#cloudflare -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(cloudflare({ encoding: "rfc9440" }), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function cloudflare(
  options: EncodedOptions<"der-base64" | "sha256-hex" | "rfc9440"> = {},
): ForwardedCertificateFormat {
  return encodedFormat(options, {
    "der-base64": "cf-client-cert-der-base64",
    "sha256-hex": "cf-client-cert-sha256",
    rfc9440: "client-cert",
  });
}
