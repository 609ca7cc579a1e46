import {
  requiringSecret,
  type UnstrippedOptions,
  type Verification,
  verifiedFormat,
  type VerifiedOptions,
} from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/** The values of `$ssl_client_verify` in nginx and products based on it. Without a certificate it is `NONE`. */
export const nginxVerification: Omit<Verification, "header"> = {
  success: "SUCCESS",
  presented: (value) => value === "SUCCESS" || value.startsWith("FAILED:"),
};

/**
 * nginx: `proxy_set_header ssl-client-cert $ssl_client_escaped_cert` and `ssl-client-verify $ssl_client_verify`.
 *
 * `$ssl_client_cert` cannot be used with Node.js, and `$ssl_client_fingerprint` is SHA-1.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#nginx -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(nginx(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function nginx(options: VerifiedOptions = {}): ForwardedCertificateFormat {
  return verifiedFormat(options, {
    header: "ssl-client-cert",
    encoding: "pem-urlencoded",
    verify: { header: "ssl-client-verify", ...nginxVerification },
  });
}

/**
 * The ingress-nginx controller with `auth-tls-pass-certificate-to-upstream: "true"`.
 *
 * On hosts without `auth-tls-secret` the controller forwards the client's own header, so `trust.secret` is required.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#ingressNginx -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(ingressNginx(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function ingressNginx(options: VerifiedOptions & UnstrippedOptions = {}): ForwardedCertificateFormat {
  return requiringSecret(options, nginx);
}
