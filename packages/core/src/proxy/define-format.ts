import { isJsonObject } from "../values/json-object.ts";
import { knownOptions, type OptionRules } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { type CertificateEncoding, decoders } from "./encodings.ts";
import { type ForwardedCertificateFormat, headerName, type VerifyHeader } from "./forwarded-format.ts";

/** Options that every format accepts. */
export interface HeaderOptions {
  /** The name of the certificate header, if the proxy does not use the default one. */
  readonly header?: string | undefined;
}

/** Options of formats in which the proxy also reports the result of its certificate verification. */
export interface VerifiedOptions extends HeaderOptions {
  /** The name of the header that reports the result, if the proxy does not use the default one. */
  readonly verifyHeader?: string | undefined;
  /**
   * `"success"` (default) requires that the proxy verified the chain. `"presented"` accepts any certificate whose private key
   * the client holds, for example a self-signed one (RFC 8705 section 2.2).
   *
   * A proxy that resumes TLS sessions can report the result of an earlier handshake, although the certificate has expired or
   * was revoked since that handshake: disable session resumption at the proxy.
   */
  readonly verify?: "success" | "presented" | undefined;
}

/** Options of formats with a choice of encodings. */
export interface EncodedOptions<Encoding extends CertificateEncoding> extends HeaderOptions {
  /** The encoding that the proxy is configured to send. */
  readonly encoding?: Encoding | undefined;
}

/** Options of formats for proxies that are known to forward a certificate header that the client sent. */
export interface UnstrippedOptions {
  /** Makes `trust.secret` optional. Safe only if something in front of this server removes the client's own header. */
  readonly dangerouslyAssumeHeaderStripped?: true | undefined;
}

/** The verify header of a proxy, and its accepted values. */
export interface Verification {
  readonly header: string;
  readonly success: string | readonly string[];
  /**
   * Returns true for every value that the proxy sends with a certificate, and false for the value that it sends without a
   * certificate.
   */
  readonly presented: (value: string) => boolean;
}

/** The rule of the option `header`. */
export const headerRules: OptionRules<HeaderOptions> = { header: headerName };

/** The rules of {@link VerifiedOptions}. */
export const verifiedRules: OptionRules<VerifiedOptions> = {
  ...headerRules,
  verifyHeader: headerName,
  verify: { expected: '"success" or "presented"', accepts: (value) => value === "success" || value === "presented" },
};

/** Defines a format that consists of one header. */
export function headerFormat(
  options: HeaderOptions,
  { header, encoding }: { readonly header: string; readonly encoding: CertificateEncoding },
): ForwardedCertificateFormat {
  const given = knownOptions("the options of the format", options, headerRules, "not-given");
  return Object.freeze({ header: given.header ?? header, decode: decoders[encoding] });
}

/** Defines a format that consists of a certificate header and a verify header. */
export function verifiedFormat(
  options: VerifiedOptions,
  definition: { readonly header: string; readonly encoding: CertificateEncoding; readonly verify: Verification },
): ForwardedCertificateFormat {
  const given = knownOptions("the options of the format", options, verifiedRules, "not-given");
  return Object.freeze({
    header: given.header ?? definition.header,
    decode: decoders[definition.encoding],
    verify: verification(given, definition.verify),
  });
}

/** Returns the verify header of a format for options that were already checked. */
export function verification(
  { verifyHeader, verify }: VerifiedOptions,
  { header, success, presented }: Verification,
): VerifyHeader {
  const name = verifyHeader ?? header;
  return verify === "presented" ? { header: name, success: presented } : { header: name, success, provesChain: true };
}

/** Defines a format with a choice of encodings. Each has a default header name; the first encoding is the default. */
export function encodedFormat<Encoding extends CertificateEncoding>(
  options: EncodedOptions<Encoding>,
  headers: Readonly<Record<Encoding, string>>,
): ForwardedCertificateFormat {
  const rules = { ...headerRules, ...encodingRule(headers) };
  const given = knownOptions<EncodedOptions<Encoding>>("the options of the format", options, rules, "not-given");
  const encoding = given.encoding ?? firstOf(headers);
  return Object.freeze({ header: given.header ?? headers[encoding], decode: decoders[encoding] });
}

/** Creates the rule of the option `encoding`. */
export function encodingRule(headers: object): OptionRules<{ readonly encoding?: unknown }> {
  const expected = `one of ${Object.keys(headers).join(", ")}`;
  return { encoding: { expected, accepts: (value) => typeof value === "string" && Object.hasOwn(headers, value) } };
}

/** Returns the default encoding, which is the first one. */
export function firstOf<Encoding extends string>(headers: Readonly<Record<Encoding, string>>): Encoding {
  // Object.keys loses the type of the keys.
  return Object.keys(headers).at(0) as Encoding;
}

/** Defines a format that requires `trust.secret`, unless `dangerouslyAssumeHeaderStripped` is set. */
export function requiringSecret<Options extends UnstrippedOptions>(
  options: Options,
  define: (rest: Omit<Options, keyof UnstrippedOptions>) => ForwardedCertificateFormat,
): ForwardedCertificateFormat {
  if (!isJsonObject(options)) throw new TypeError("certbound: the options of the format must be an object");
  const { dangerouslyAssumeHeaderStripped, ...rest } = withoutPrototype(options);
  const stripped: unknown = dangerouslyAssumeHeaderStripped;
  if (stripped !== undefined && stripped !== true) {
    throw new TypeError('certbound: option "dangerouslyAssumeHeaderStripped" must be true, or omitted');
  }
  return Object.freeze({ ...define(rest), demandsSecret: stripped !== true });
}
