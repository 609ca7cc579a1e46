import { knownOptions, type OptionRules } from "../../values/known-options.ts";
import {
  type EncodedOptions,
  encodingRule,
  firstOf,
  verification,
  type Verification,
  verifiedFormat,
  type VerifiedOptions,
  verifiedRules,
} from "../define-format.ts";
import { decoders } from "../encodings.ts";
import { type ForwardedCertificateFormat, headerName } from "../forwarded-format.ts";

/**
 * Options of {@link haproxy}. The encodings are `"der-base64"` (default): `%[ssl_c_der,base64]`; `"rfc9440"`: the same value
 * between colons; `"sha256-hex"`: `%[ssl_c_der,sha2(256),hex]`; `"sha256-base64url"`: `%[ssl_c_der,sha2(256),ub64enc]`.
 */
export interface HaproxyOptions extends VerifiedOptions, EncodedOptions<keyof typeof headers> {
  /** The header with `%[ssl_c_used]`, which must be `1`. Do not use `ssl_fc_has_crt`, which is 0 on resumed sessions. */
  readonly usedHeader?: string | undefined;
}

const headers = {
  "der-base64": "x-ssl-client-der",
  rfc9440: "client-cert",
  "sha256-hex": "x-ssl-client-sha256",
  "sha256-base64url": "x-ssl-client-x5ts256",
} as const;

const rules: OptionRules<HaproxyOptions> = { ...verifiedRules, ...encodingRule(headers), usedHeader: headerName };

/**
 * The values of `ssl_c_verify`. 0 means success, but only together with a certificate: HAProxy also sends 0 without a
 * certificate.
 */
const haproxyVerification: Verification = {
  header: "x-ssl-client-verify",
  success: "0",
  presented: (value) => /^\d{1,5}$/.test(value),
};

/**
 * HAProxy: `http-request set-header X-SSL-Client-DER %[ssl_c_der,base64]` and `X-SSL-Client-Verify %[ssl_c_verify]`.
 *
 * If the headers are set conditionally, delete them with `del-header` first: otherwise a client without a certificate can forge
 * them. If `Client-Cert` is set conditionally and without a verify header, use `rfc9440()`.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#haproxy -->
 * ```ts
 * // http-request set-header X-SSL-Client-Used %[ssl_c_used]
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(haproxy({ usedHeader: "x-ssl-client-used" }), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function haproxy(options: HaproxyOptions = {}): ForwardedCertificateFormat {
  const given = knownOptions("the options of the format", options, rules, "not-given");
  const { header, encoding = firstOf(headers), usedHeader } = given;
  const verify = [verification(given, haproxyVerification)];
  if (usedHeader !== undefined) verify.push({ header: usedHeader, success: "1" });
  return Object.freeze({ header: header ?? headers[encoding], decode: decoders[encoding], verify });
}

/**
 * The OpenShift router: `X-SSL-Client-DER` and `X-SSL-Client-Verify`.
 *
 * Routers without the fix for CVE-2026-46579 forward the client's own headers on plain HTTP routes.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#openShift -->
 * ```ts
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(openShift(), { trust }),
 * });
 * ```
 * @category Proxy formats
 */
export function openShift(options: VerifiedOptions = {}): ForwardedCertificateFormat {
  const format = verifiedFormat(options, {
    header: "x-ssl-client-der",
    encoding: "der-base64",
    verify: haproxyVerification,
  });
  // The router's template requests quotes around the value, which released versions of HAProxy do not write.
  const decode = (value: string) => (value === '""' ? undefined : format.decode(value.replace(/^"(.*)"$/, "$1")));
  return Object.freeze({ ...format, decode });
}
