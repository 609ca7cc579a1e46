import { createBoundedCache } from "../runtime/bounded-cache.ts";
import { isThenable } from "../runtime/promises.ts";
import { type ClientCertificate, parseVerifiedCertificate } from "../certificate/client-certificate.ts";
import { AccessTokenError, rejected } from "../errors.ts";
import { headerElements, headerValues, type RequestWithAllHeaders, checkHeaderList } from "../http/header-list.ts";
import { type IncomingRequest, type NodeRequest, nodeRequest } from "../http/incoming-request.ts";
import { isJsonObject } from "../values/json-object.ts";
import { callback, knownOptions, type OptionRules } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { isAbsentMarker } from "./encodings.ts";
import { type ForwardedCertificateFormat, headerName, type VerifyHeader, verifyRule } from "./forwarded-format.ts";
import { parseTrustedProxy, type TrustedProxy, type TrustRule } from "./trusted-proxy.ts";

/** Options of {@link fromProxy}. */
export interface FromProxyOptions {
  /** How a request proves that it comes from the proxy. Required. */
  readonly trust: TrustedProxy;
}

/** The maximum length of a certificate header, in characters. */
const MAX_VALUE_LENGTH = 65_536;
/** The maximum total length of the header values whose decoded certificates are cached, in characters. */
const MAX_CACHED = 1024 * 1024;

const formatRules: OptionRules<ForwardedCertificateFormat> = {
  header: headerName,
  decode: callback,
  verify: verifyRule,
  demandsSecret: { expected: "true or false", accepts: (value) => typeof value === "boolean" },
};

const optionRules: OptionRules<FromProxyOptions> = {
  trust: { expected: "an object with secret, addresses, unixSocket or certificateThumbprints", accepts: isJsonObject },
};

/**
 * Creates the resolver for a server behind a proxy that terminates TLS and forwards the client's certificate in a header.
 *
 * The resolver returns a certificate only if the request meets `trust`, and if the header of the format occurs exactly once.
 * Otherwise it returns an error with the reason. It does not detect formats, and does not fall back to the certificate of
 * the connection, which belongs to the proxy. It does not check the certificate chain, and cannot detect whether the proxy
 * resumed a TLS session.
 *
 * @example
 * <!-- source: test/api-examples/core.proxies.examples.ts#fromProxy -->
 * ```ts
 * import { createAuthenticator, fromProxy, nginx } from "@certbound/core";
 *
 * // The proxy sends the secret with every request, next to the header with the certificate.
 * const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
 * const authenticator = createAuthenticator({
 *   issuer: "https://auth.example.com",
 *   audience: "https://api.example.com",
 *   certificateResolver: fromProxy(nginx(), { trust }),
 * });
 * ```
 *
 * @throws TypeError if the trust rule is missing or an option is invalid
 */
export function fromProxy(
  format: ForwardedCertificateFormat,
  options: FromProxyOptions,
): (request: IncomingRequest) => ClientCertificate | AccessTokenError {
  const { header, decode, verify = [], demandsSecret } = knownOptions("the format", format, formatRules, "not-given");
  if (header === undefined || decode === undefined)
    throw new TypeError("certbound: the format needs header and decode");
  const { trust } = knownOptions("the options of fromProxy", options, optionRules, "rejected");
  if (trust === undefined)
    throw new TypeError('certbound: option "trust" of fromProxy is missing: any client can send the header');
  if (demandsSecret && !Object.keys(trust).includes("secret")) {
    throw new TypeError(
      'certbound: this proxy is known to forward the client\'s own header; set trust.secret, or "dangerouslyAssumeHeaderStripped"',
    );
  }
  const trustFailure = parseTrustedProxy(trust);
  const verifyHeaders = [verify].flat().map((given) => withoutPrototype(given));
  const provesChain = verifyHeaders.some((given) => given.provesChain === true);
  const checked = {
    name: header.toLowerCase(),
    // chainVerified can be set before the verify headers are checked: if one of them fails, the certificate is rejected.
    decode: memoized((value) => {
      const certificate = decodeNow(decode, value);
      return provesChain ? parseVerifiedCertificate(certificate ?? null) : certificate;
    }),
    verify: verifyHeaders.map(verifyCheck),
  };
  const resolver = (request: IncomingRequest): ClientCertificate | AccessTokenError => {
    try {
      return forwardedCertificate(nodeRequest(request), checked, trustFailure);
    } catch (error) {
      if (error instanceof AccessTokenError) return error;
      throw error;
    }
  };
  proxyResolvers.add(resolver);
  return resolver;
}

const proxyResolvers = new WeakSet<object>();

/** Returns whether a resolver was created by {@link fromProxy}. */
export function isProxyResolver(resolver: object): boolean {
  return proxyResolvers.has(resolver);
}

/**
 * Caches decoded certificates, because a client sends the same certificate with every request. The key is the whole header
 * value. Rejections and the results of the trust rule are not cached.
 */
function memoized(decode: ForwardedCertificateFormat["decode"]): ForwardedCertificateFormat["decode"] {
  const decoded = createBoundedCache<ClientCertificate>({ maxSize: MAX_CACHED });
  return (value) => {
    const cached = decoded.get(value);
    if (cached !== undefined) return cached;
    const certificate = decode(value);
    if (certificate !== undefined) decoded.set(value, certificate, { size: value.length + 1 });
    return certificate;
  };
}

interface CheckedFormat {
  readonly name: string;
  readonly decode: ForwardedCertificateFormat["decode"];
  readonly verify: readonly VerifyCheck[];
}

interface VerifyCheck {
  readonly name: string;
  readonly accepts: (value: string) => boolean;
  /** Lists the values to check: whole header values if `success` lists values, their comma-separated elements if it is a function. */
  readonly valuesOf: typeof headerValues;
}

function verifyCheck({ header, success }: VerifyHeader): VerifyCheck {
  const name = header.toLowerCase();
  if (typeof success === "function") return { name, accepts: success, valuesOf: headerElements };
  const values: ReadonlySet<string> = new Set([success].flat());
  return { name, accepts: (value) => values.has(value), valuesOf: headerValues };
}

function forwardedCertificate(request: NodeRequest, format: CheckedFormat, trustFailure: TrustRule): ClientCertificate {
  const { name, decode, verify } = format;
  const complete = checkHeaderList(request);
  if (typeof complete === "string") throw rejected("ERR_CERTIFICATE_MALFORMED", complete);
  const values = headerElements(complete, name);
  const [value] = values;
  const reason = trustFailure(complete);
  if (value === undefined)
    throw rejected(
      "ERR_CERTIFICATE_MISSING",
      `the header ${name} is missing${reason === undefined ? "" : `; ${reason}`}`,
    );
  if (reason !== undefined)
    throw rejected("ERR_CERTIFICATE_UNTRUSTED", `the header ${name} does not come from the proxy: ${reason}`);
  if (values.length > 1)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the header ${name} occurs ${values.length} times instead of once`);
  if (value.length > MAX_VALUE_LENGTH)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the header ${name} is too large: ${value.length} characters`);
  if (isAbsentMarker(value)) throw rejected("ERR_CERTIFICATE_MISSING", absentCertificateDetail(value, name));
  const certificate = decode(value);
  if (certificate === undefined) {
    throw rejected(
      "ERR_CERTIFICATE_MISSING",
      `the proxy sent no certificate, or the SHA-256 of an empty input, in ${name}: the client presented no certificate`,
    );
  }
  for (const check of verify) requireSuccess(complete, check);
  return certificate;
}

/** Also rejects a missing verify header, because with some proxies a client can delete it by naming it in `Connection`. */
function requireSuccess(request: RequestWithAllHeaders, { name, accepts, valuesOf }: VerifyCheck): void {
  const values = valuesOf(request, name);
  const [value] = values;
  if (value === undefined)
    throw rejected("ERR_CERTIFICATE_UNTRUSTED", `the header ${name} with the proxy's verification result is missing`);
  if (values.length > 1)
    throw rejected("ERR_CERTIFICATE_UNTRUSTED", `the header ${name} occurs ${values.length} times instead of once`);
  const accepted: unknown = accepts(value);
  if (accepted !== true)
    throw rejected("ERR_CERTIFICATE_UNTRUSTED", `the proxy reports in ${name} that it did not verify the certificate`);
}

/** Decodes a value. Throws if a custom format returns a promise, and prevents an unhandled rejection of that promise. */
function decodeNow(decode: ForwardedCertificateFormat["decode"], value: string): ClientCertificate | undefined {
  const certificate = decode(value);
  if (!isThenable(certificate)) return certificate;
  Promise.resolve(certificate).catch(() => {});
  throw new TypeError("certbound: decode of the format must return a certificate, not a promise");
}

function absentCertificateDetail(value: string, name: string): string {
  const reason = "the client presented no certificate";
  if (value === "" || value === "::") {
    return `the proxy sent an empty value in ${name}: ${reason}, or one that is too large for the proxy`;
  }
  const marker = value === "(null)" ? "`(null)`" : "a placeholder that was not replaced";
  return `the proxy sent ${marker} in ${name}: ${reason}`;
}
