import { knownOptions, type OptionRules } from "../../values/known-options.ts";
import { encodingRule } from "../define-format.ts";
import { type CertificateEncoding, decoders } from "../encodings.ts";
import { type ForwardedCertificateFormat, headerName, type VerifyHeader, verifyRule } from "../forwarded-format.ts";

/** Describes a header that no named format covers. */
export interface ForwardedHeaderOptions {
  readonly header: string;
  readonly encoding: CertificateEncoding;
  /** Headers that must come with the certificate, in which the proxy says that it verified it. */
  readonly verify?: VerifyHeader | readonly VerifyHeader[] | undefined;
}

const rules: OptionRules<ForwardedHeaderOptions> = {
  header: headerName,
  ...encodingRule(decoders),
  verify: verifyRule,
};

/**
 * A format for every other proxy that forwards a certificate, or its SHA-256, in a header of its own.
 *
 * @throws TypeError when an option is unknown, ill-typed or missing
 */
export function forwardedHeader(options: ForwardedHeaderOptions): ForwardedCertificateFormat {
  const { header, encoding, verify } = knownOptions("the options of forwardedHeader", options, rules, "not-given");
  if (header === undefined || encoding === undefined) {
    throw new TypeError("certbound: forwardedHeader needs both header and encoding");
  }
  return Object.freeze({ header, decode: decoders[encoding], verify });
}
