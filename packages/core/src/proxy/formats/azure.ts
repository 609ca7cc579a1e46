import {
  headerFormat,
  type HeaderOptions,
  headerRules,
  verifiedFormat,
  type VerifiedOptions,
} from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { nginxVerification } from "./nginx.ts";
import { knownOptions } from "../../values/known-options.ts";
import { envoy } from "./envoy.ts";

/**
 * Azure App Service: `X-ARR-ClientCert` with base64 DER. The platform does not verify the certificate.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#azureAppService -->
 * ```ts
 * const trust = { addresses: frontEndAddresses }; // such as "10.0.3.0/24"
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(azureAppService(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function azureAppService(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return headerFormat(options, { header: "x-arr-clientcert", encoding: "der-base64" });
}

/**
 * Azure Application Gateway, with rewrite rules that set `X-Client-Certificate` to `{var_client_certificate}` and
 * `X-Client-Certificate-Verification` to `{var_client_certificate_verification}`.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#azureApplicationGateway -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(azureApplicationGateway(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function azureApplicationGateway(options: VerifiedOptions = {}): ForwardedCertificateFormat {
  return verifiedFormat(options, {
    header: "x-client-certificate",
    encoding: "pem-urlencoded",
    verify: { header: "x-client-certificate-verification", ...nginxVerification },
  });
}

/**
 * Azure Container Apps with `clientCertificateMode`: `X-Forwarded-Client-Cert: Hash=...;Cert="...";Chain="..."`.
 *
 * In the mode `accept` the platform does not verify the certificate.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#azureContainerApps -->
 * ```ts
 * const trust = { addresses: ingressAddresses }; // such as "10.0.4.0/24"
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(azureContainerApps(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function azureContainerApps(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return envoy(knownOptions("the options of the format", options, headerRules, "not-given"));
}
