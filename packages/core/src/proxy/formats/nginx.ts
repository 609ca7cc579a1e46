import {
  demandingSecret,
  type UnstrippedOptions,
  type Verification,
  verifiedFormat,
  type VerifiedOptions,
} from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/** What nginx, and what is made of it, says in `$ssl_client_verify`; `NONE` without a certificate. */
export const nginxVerification: Omit<Verification, "header"> = {
  success: "SUCCESS",
  presented: (value) => value === "SUCCESS" || value.startsWith("FAILED:"),
};

/**
 * nginx: `proxy_set_header ssl-client-cert $ssl_client_escaped_cert` and `ssl-client-verify $ssl_client_verify`.
 *
 * `$ssl_client_cert` cannot be used with Node, and `$ssl_client_fingerprint` is SHA-1.
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
 * On hosts without `auth-tls-secret` it passes the client's own header, so that `trust.secret` is demanded.
 */
export function ingressNginx(options: VerifiedOptions & UnstrippedOptions = {}): ForwardedCertificateFormat {
  return demandingSecret(options, nginx);
}
