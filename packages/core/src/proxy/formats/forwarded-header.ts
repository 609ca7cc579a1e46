import { knownOptions, type OptionRules } from "../../values/known-options.ts";
import { encodingRule } from "../define-format.ts";
import { type CertificateEncoding, decoders } from "../encodings.ts";
import { type ForwardedCertificateFormat, headerName, type VerifyHeader, verifyRule } from "../forwarded-format.ts";

/** Options of {@link forwardedHeader}. */
export interface ForwardedHeaderOptions {
  readonly header: string;
  readonly encoding: CertificateEncoding;
  /** Headers in which the proxy reports that it verified the certificate. Each must occur exactly once. */
  readonly verify?: VerifyHeader | readonly VerifyHeader[] | undefined;
}

const rules: OptionRules<ForwardedHeaderOptions> = {
  header: headerName,
  ...encodingRule(decoders),
  verify: verifyRule,
};

/**
 * Defines a format for any other proxy that forwards a certificate, or its SHA-256, in a header.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#forwardedHeader -->
 * ```ts
 * const format = forwardedHeader({
 *   header: "x-client-cert",
 *   encoding: "pem-urlencoded",
 *   verify: { header: "x-client-verify", success: "SUCCESS" },
 * });
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(format, { trust: { secret: { header: "x-proxy-secret", value: proxySecret } } }),
 * });
 * ```
 *
 * @throws TypeError if an option is unknown, has the wrong type or is missing
 * @category Proxy formats
 */
export function forwardedHeader(options: ForwardedHeaderOptions): ForwardedCertificateFormat {
  const { header, encoding, verify } = knownOptions("the options of forwardedHeader", options, rules, "not-given");
  if (header === undefined || encoding === undefined) {
    throw new TypeError("certbound: forwardedHeader requires header and encoding");
  }
  return Object.freeze({ header, decode: decoders[encoding], verify });
}
