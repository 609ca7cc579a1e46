import { knownOptions, type OptionRules } from "../../values/known-options.ts";
import { type HeaderOptions, headerRules, type VerifiedOptions } from "../define-format.ts";
import { decoders } from "../encodings.ts";
import { type ForwardedCertificateFormat, headerName } from "../forwarded-format.ts";

/** Options of {@link awsAlb}. */
export interface AwsAlbOptions extends HeaderOptions {
  /**
   * The mode of mutual authentication on the listener. `"verify"` (default): the load balancer verifies the chain, and forwards
   * the leaf certificate. `"passthrough"`: it forwards the chain, of which the leaf is used, and verifies only that the client
   * holds the private key of the leaf.
   */
  readonly mode?: "verify" | "passthrough" | undefined;
}

const albRules: OptionRules<AwsAlbOptions> = {
  ...headerRules,
  mode: { expected: '"verify" or "passthrough"', accepts: (value) => value === "verify" || value === "passthrough" },
};

/**
 * AWS Application Load Balancer with mutual TLS: `X-Amzn-Mtls-Clientcert-Leaf`, or `X-Amzn-Mtls-Clientcert` in the mode
 * `passthrough`.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#awsAlb -->
 * ```ts
 * const trust = { addresses: loadBalancerSubnets }; // such as "10.0.1.0/24"
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(awsAlb(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function awsAlb(options: AwsAlbOptions = {}): ForwardedCertificateFormat {
  const { header, mode } = knownOptions("the options of the format", options, albRules, "not-given");
  return Object.freeze(
    mode === "passthrough"
      ? { header: header ?? "x-amzn-mtls-clientcert", decode: decoders["pem-urlencoded-chain"] }
      : { header: header ?? "x-amzn-mtls-clientcert-leaf", decode: decoders["pem-urlencoded"] },
  );
}

const cloudFrontRules: OptionRules<Omit<VerifiedOptions, "verify">> = { ...headerRules, verifyHeader: headerName };

/**
 * AWS CloudFront viewer mutual TLS: `CloudFront-Viewer-Cert-Sha256`, with `CloudFront-Viewer-Cert-Present: 1`.
 *
 * Both headers must be in the origin request policy.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#cloudFront -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(cloudFront(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function cloudFront(options: Omit<VerifiedOptions, "verify"> = {}): ForwardedCertificateFormat {
  const { header, verifyHeader } = knownOptions("the options of the format", options, cloudFrontRules, "not-given");
  return Object.freeze({
    header: header ?? "cloudfront-viewer-cert-sha256",
    decode: decoders["sha256-hex"],
    verify: { header: verifyHeader ?? "cloudfront-viewer-cert-present", success: "1" },
  });
}
