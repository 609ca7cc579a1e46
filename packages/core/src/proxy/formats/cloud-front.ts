import { knownOptions, type OptionRules } from "../../values/known-options.ts";
import { headerRules, type VerifiedOptions } from "../define-format.ts";
import { decoders } from "../encodings.ts";
import { type ForwardedCertificateFormat, headerName } from "../forwarded-format.ts";

const rules: OptionRules<Omit<VerifiedOptions, "verify">> = { ...headerRules, verifyHeader: headerName };

/**
 * AWS CloudFront viewer mutual TLS: `CloudFront-Viewer-Cert-Sha256`, with `CloudFront-Viewer-Cert-Present: 1`.
 *
 * Forward both headers to the origin by its origin request policy.
 */
export function cloudFront(options: Omit<VerifiedOptions, "verify"> = {}): ForwardedCertificateFormat {
  const { header, verifyHeader } = knownOptions("the options of the format", options, rules, "not-given");
  return Object.freeze({
    header: header ?? "cloudfront-viewer-cert-sha256",
    decode: decoders["sha256-hex"],
    verify: { header: verifyHeader ?? "cloudfront-viewer-cert-present", success: "1" },
  });
}
