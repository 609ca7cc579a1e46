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

/** Azure App Service: `X-ARR-ClientCert` with base64 DER. The platform does not verify the certificate. */
export function azureAppService(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return headerFormat(options, { header: "x-arr-clientcert", encoding: "der-base64" });
}

/**
 * Azure Application Gateway, with rewrite rules that set `X-Client-Certificate` to `{var_client_certificate}` and
 * `X-Client-Certificate-Verification` to `{var_client_certificate_verification}`.
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
 */
export function azureContainerApps(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return envoy(knownOptions("the options of the format", options, headerRules, "not-given"));
}
