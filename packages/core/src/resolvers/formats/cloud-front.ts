import { verifiedFormat, type VerifiedOptions } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/**
 * AWS CloudFront viewer mutual TLS: `CloudFront-Viewer-Cert-Sha256`, with `CloudFront-Viewer-Cert-Present: 1`.
 *
 * Forward both headers to the origin by its origin request policy.
 */
export function cloudFront(options: Omit<VerifiedOptions, "verify"> = {}): ForwardedCertificateFormat {
  return verifiedFormat(options, {
    header: "cloudfront-viewer-cert-sha256",
    encoding: "sha256-hex",
    verify: { header: "cloudfront-viewer-cert-present", success: "1", presented: (value) => value === "1" },
  });
}
