import { demandingSecret, type UnstrippedOptions, type VerifiedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { nginx } from "./nginx.ts";

/**
 * The ingress-nginx controller with `auth-tls-pass-certificate-to-upstream: "true"`.
 *
 * On hosts without `auth-tls-secret` it passes the client's own header, so that `trust.secret` is demanded.
 */
export function ingressNginx(options: VerifiedOptions & UnstrippedOptions = {}): ForwardedCertificateFormat {
  return demandingSecret(options, nginx);
}
