import { headerFormat, type HeaderOptions, requiringSecret, type UnstrippedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Kong's `tls-metadata-headers` plugin: `X-Client-Cert`, percent-encoded PEM.
 *
 * The plugin does not verify the certificate. Without a certificate it forwards the client's own header, so `trust.secret` is
 * required. Set the secret in the function that clears that header: otherwise Kong sends the secret with a forged header.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#kong -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(kong(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function kong(options: HeaderOptions & UnstrippedOptions = {}): ForwardedCertificateFormat {
  return requiringSecret(options, (rest) =>
    headerFormat(rest, { header: "x-client-cert", encoding: "pem-urlencoded" }),
  );
}
