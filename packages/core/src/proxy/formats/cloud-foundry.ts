import { headerFormat, type HeaderOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Cloud Foundry's gorouter: `X-Forwarded-Client-Cert` with base64 DER. Envoy's header of the same name has another format.
 *
 * The router must use `forwarded_client_cert: sanitize_set`. With `always_forward`, clients can forge the header.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#cloudFoundry -->
 * ```ts
 * const trust = { addresses: routerAddresses }; // such as "10.0.5.0/24"
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(cloudFoundry(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function cloudFoundry(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return headerFormat(options, { header: "x-forwarded-client-cert", encoding: "der-base64" });
}
