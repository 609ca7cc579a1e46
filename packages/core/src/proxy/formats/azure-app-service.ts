import { headerFormat, type HeaderOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/** Azure App Service: `X-ARR-ClientCert` with base64 DER. The platform forwards the certificate and verifies nothing. */
export function azureAppService(options: HeaderOptions = {}): ForwardedCertificateFormat {
  return headerFormat(options, { header: "x-arr-clientcert", encoding: "der-base64" });
}
