import { type VerifiedOptions, verifiedFormat } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { nginxVerification } from "./nginx.ts";

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
