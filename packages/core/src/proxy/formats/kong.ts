import { headerFormat, type HeaderOptions, requiringSecret, type UnstrippedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Kong's `tls-metadata-headers` plugin: `X-Client-Cert`, percent-encoded PEM.
 *
 * The plugin does not verify the certificate. Without a certificate it forwards the client's own header, so `trust.secret` is
 * required. Set the secret in the function that clears that header: otherwise it is sent along with a forged header.
 */
export function kong(options: HeaderOptions & UnstrippedOptions = {}): ForwardedCertificateFormat {
  return requiringSecret(options, (rest) =>
    headerFormat(rest, { header: "x-client-cert", encoding: "pem-urlencoded" }),
  );
}
