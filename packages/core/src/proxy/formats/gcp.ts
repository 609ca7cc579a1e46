import { knownOptions, type OptionRules } from "../../values/known-options.ts";
import {
  encodingRule,
  type EncodedOptions,
  firstOf,
  verification,
  type VerifiedOptions,
  verifiedRules,
} from "../define-format.ts";
import { decoders } from "../encodings.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";

/** Options of {@link gcp}: the encoding and the names of the load balancer's custom headers. */
export interface GcpOptions extends VerifiedOptions, EncodedOptions<keyof typeof headers> {}

const headers = { rfc9440: "x-client-cert-leaf", "sha256-base64": "x-client-cert-hash" } as const;

const rules: OptionRules<GcpOptions> = { ...verifiedRules, ...encodingRule(headers) };

/**
 * Google Cloud Application Load Balancer with two custom headers: `X-Client-Cert-Leaf: {client_cert_leaf}` (default), or with
 * `"sha256-base64"`: `X-Client-Cert-Hash: {client_cert_sha256_fingerprint}`; and in both cases
 * `X-Client-Cert-Chain-Verified: {client_cert_chain_verified}`.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#gcp -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(gcp(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function gcp(options: GcpOptions = {}): ForwardedCertificateFormat {
  const given = knownOptions("the options of the format", options, rules, "not-given");
  const { header, encoding = firstOf(headers) } = given;
  const verify = verification(given, {
    header: "x-client-cert-chain-verified",
    success: "true",
    presented: (value) => value === "true" || value === "false",
  });
  return Object.freeze({ header: header ?? headers[encoding], decode: decoders[encoding], verify });
}
