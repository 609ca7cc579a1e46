import { rejected } from "../../errors.ts";
import { headerFormat, type HeaderOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * Traefik's `passTLSClientCert` middleware with `pem: true`: base64 DER of the client's certificates, the leaf first.
 *
 * Versions up to 2.9.1 percent-encode each certificate; both forms are accepted. Traefik does not report whether it verified
 * the certificate. It forwards the client's own header if `forwardedHeaders.insecure` is set or the peer is in `trustedIPs`.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#traefik -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(traefik(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function traefik(options: HeaderOptions = {}): ForwardedCertificateFormat {
  const { header, decode } = headerFormat(options, {
    header: "x-forwarded-tls-client-cert",
    encoding: "der-base64-list",
  });
  return Object.freeze({ header, decode: (value: string) => decode(value.includes("%") ? unescaped(value) : value) });
}

/** Decodes the older form, which escapes exactly the base64 characters that are not letters or digits. */
function unescaped(value: string): string {
  if (!/^(?:[A-Za-z\d,]|%2B|%2F|%3D)*$/.test(value)) {
    const detail = "the value is neither base64 nor percent-encoded base64";
    throw rejected("ERR_CERTIFICATE_MALFORMED", detail);
  }
  return decodeURIComponent(value);
}
