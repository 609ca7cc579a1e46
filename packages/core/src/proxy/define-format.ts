import { isJsonObject } from "../values/json-object.ts";
import { knownOptions, type OptionRules } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { type CertificateEncoding, decoders } from "./encodings.ts";
import { type ForwardedCertificateFormat, headerName, type VerifyHeader } from "./forwarded-format.ts";

/** Renames the header of a format. */
export interface HeaderOptions {
  readonly header?: string | undefined;
}

/** Options of formats in which the proxy says how it verified the certificate. */
export interface VerifiedOptions extends HeaderOptions {
  readonly verifyHeader?: string | undefined;
  /**
   * `"success"`, the default: the proxy verified the chain. `"presented"`: any certificate whose key the client holds, for
   * self-signed ones (RFC 8705 section 2.2).
   *
   * A proxy that resumes TLS sessions can repeat the result of an earlier handshake for a certificate that has expired or was
   * revoked since: disable session resumption at the proxy.
   */
  readonly verify?: "success" | "presented" | undefined;
}

/** Options of formats of which a proxy can be told to send one of several. */
export interface EncodedOptions<Encoding extends CertificateEncoding> extends HeaderOptions {
  readonly encoding?: Encoding | undefined;
}

/** Options of formats whose proxy is known to pass the client's own header. */
export interface UnstrippedOptions {
  /** Does without `trust.secret`: something before this server is known to remove the header that a client sends. */
  readonly dangerouslyAssumeHeaderStripped?: true | undefined;
}

/** What a proxy says about the certificate that it forwards. */
export interface Verification {
  readonly header: string;
  readonly success: string | readonly string[];
  /** Accepts what the proxy says of any certificate, and not what it says of none. */
  readonly presented: (value: string) => boolean;
}

/** The rule of the header that is read. */
export const headerRules: OptionRules<HeaderOptions> = { header: headerName };

/** The rules of formats with a verification. */
export const verifiedRules: OptionRules<VerifiedOptions> = {
  ...headerRules,
  verifyHeader: headerName,
  verify: { expected: '"success" or "presented"', accepts: (value) => value === "success" || value === "presented" },
};

/** Defines a format that is one header. */
export function headerFormat(
  options: HeaderOptions,
  { header, encoding }: { readonly header: string; readonly encoding: CertificateEncoding },
): ForwardedCertificateFormat {
  const given = knownOptions("the options of the format", options, headerRules, "not-given");
  return Object.freeze({ header: given.header ?? header, decode: decoders[encoding] });
}

/** Defines a format that is one header, and another in which the proxy says how it verified. */
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

/** Works out the verify header from options that were checked. */
export function verification(
  { verifyHeader, verify }: VerifiedOptions,
  { header, success, presented }: Verification,
): VerifyHeader {
  const name = verifyHeader ?? header;
  return verify === "presented" ? { header: name, success: presented } : { header: name, success, provesChain: true };
}

/** Defines a format that is one of several headers, each with its encoding; the first is the default. */
export function encodedFormat<Encoding extends CertificateEncoding>(
  options: EncodedOptions<Encoding>,
  headers: Readonly<Record<Encoding, string>>,
): ForwardedCertificateFormat {
  const rules = { ...headerRules, ...encodingRule(headers) };
  const given = knownOptions<EncodedOptions<Encoding>>("the options of the format", options, rules, "not-given");
  const encoding = given.encoding ?? firstOf(headers);
  return Object.freeze({ header: given.header ?? headers[encoding], decode: decoders[encoding] });
}

/** The rule of the encoding, where there are several. */
export function encodingRule(headers: object): OptionRules<{ readonly encoding?: unknown }> {
  const expected = `one of ${Object.keys(headers).join(", ")}`;
  return { encoding: { expected, accepts: (value) => typeof value === "string" && Object.hasOwn(headers, value) } };
}

/** The default encoding. */
export function firstOf<Encoding extends string>(headers: Readonly<Record<Encoding, string>>): Encoding {
  // The first key that was written; the type of keys is lost in Object.keys.
  return Object.keys(headers).at(0) as Encoding;
}

/** Defines a format that demands `trust.secret`, unless that is waived loudly. */
export function demandingSecret<Options extends UnstrippedOptions>(
  options: Options,
  define: (rest: Omit<Options, keyof UnstrippedOptions>) => ForwardedCertificateFormat,
): ForwardedCertificateFormat {
  if (!isJsonObject(options)) throw new TypeError("certbound: the options of the format must be an object");
  const { dangerouslyAssumeHeaderStripped, ...rest } = withoutPrototype(options);
  const stripped: unknown = dangerouslyAssumeHeaderStripped;
  if (stripped !== undefined && stripped !== true) {
    throw new TypeError('certbound: option "dangerouslyAssumeHeaderStripped" must be true, or left out');
  }
  return Object.freeze({ ...define(rest), demandsSecret: stripped !== true });
}
