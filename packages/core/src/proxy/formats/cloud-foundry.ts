import { headerFormat, type HeaderOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Cloud Foundry's gorouter: `X-Forwarded-Client-Cert` with base64 DER. Envoy's header of the same name has another format.
 *
 * The router must run with `forwarded_client_cert: sanitize_set`; with `always_forward`, clients can send the header.
 */
export function cloudFoundry(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return headerFormat(options, { header: "x-forwarded-client-cert", encoding: "der-base64" });
}
