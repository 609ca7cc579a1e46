import { demandingSecret, headerFormat, type HeaderOptions, type UnstrippedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Kong's `tls-metadata-headers` plugin: `X-Client-Cert`, percent-encoded PEM.
 *
 * The plugin verifies nothing, and passes the client's own header where there is no certificate, so that `trust.secret` is
 * demanded; set it in the same function that clears that header, or it comes with a forged one.
 */
export function kong(options: HeaderOptions & UnstrippedOptions = {}): ForwardedCertificateFormat {
  return demandingSecret(options, (rest) =>
    headerFormat(rest, { header: "x-client-cert", encoding: "pem-urlencoded" }),
  );
}
