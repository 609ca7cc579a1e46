import { parseAlternativeName } from "./alternative-name.ts";
import type { AlternativeName } from "./alternative-name.ts";
import { assertKnownOptions } from "./known-options.ts";

/** Names the key pairs that a certificate can be issued for: P-256, RSA 2048 or Ed25519. */
export type KeyType = "ec" | "rsa" | "ed25519";

/** Configures a certificate; everything has a default. */
export interface CertificateOptions {
  /** The only attribute of the subject, taken literally: `"a, CN=b"` is one name with a comma in it. */
  readonly commonName?: string;
  /** Defaults to `"ec"`. */
  readonly keyType?: KeyType;
  /** Defaults to one day before now, or before `notAfter` if that is earlier. */
  readonly notBefore?: Date;
  /** Defaults to one year after now, or after `notBefore` if that is later. */
  readonly notAfter?: Date;
  /** Entries such as `DNS:localhost`, `IP:127.0.0.1`, `URI:spiffe://a/b` and `email:a@example.com`. */
  readonly subjectAlternativeNames?: readonly string[];
}

/** Describes a certificate completely: options after parsing and defaults. */
export interface CertificateProfile {
  readonly usage: "authority" | "client" | "server";
  readonly commonName: string;
  readonly keyType: KeyType;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly alternativeNames: readonly AlternativeName[];
}

/** Holds what a certificate gets where its options say nothing. */
export interface CertificateDefaults {
  readonly usage: CertificateProfile["usage"];
  readonly commonName: string;
  readonly subjectAlternativeNames: readonly string[];
}

const day = 24 * 60 * 60 * 1000;
const keyTypes: readonly unknown[] = ["ec", "rsa", "ed25519"] satisfies readonly KeyType[];

/**
 * Turns certificate options into a profile.
 *
 * Does not require notBefore to lie before notAfter: a certificate that is never valid is worth testing with.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export function parseCertificateOptions(
  options: CertificateOptions,
  defaults: CertificateDefaults,
): CertificateProfile {
  assertKnownOptions(options, ["commonName", "keyType", "notBefore", "notAfter", "subjectAlternativeNames"]);
  const { commonName = defaults.commonName, keyType = "ec" } = options;
  const names = options.subjectAlternativeNames ?? defaults.subjectAlternativeNames;
  if (typeof commonName !== "string" || commonName === "") {
    throw new TypeError("commonName is not a non-empty string");
  }
  if (!keyTypes.includes(keyType)) {
    throw new TypeError(`keyType "${keyType}" is not ec, rsa or ed25519`);
  }
  return {
    usage: defaults.usage,
    commonName,
    keyType,
    ...parseValidity(options),
    alternativeNames: names.map(parseAlternativeName),
  };
}

function parseValidity({ notBefore, notAfter }: CertificateOptions): {
  readonly notBefore: Date;
  readonly notAfter: Date;
} {
  const now = Date.now();
  const start = notBefore ?? new Date(Math.min(now, Number(notAfter ?? now)) - day);
  const end = notAfter ?? new Date(Math.max(now, Number(notBefore ?? now)) + 365 * day);
  assertCertificateDate(start);
  assertCertificateDate(end);
  return { notBefore: start, notAfter: end };
}

/** X.509 writes years from 1950 to 9999 (RFC 5280 section 4.1.2.5); others would come out as another date. */
function assertCertificateDate(date: Date): void {
  const year = date instanceof Date ? date.getUTCFullYear() : Number.NaN;
  if (!(year >= 1950 && year <= 9999)) {
    throw new TypeError("notBefore or notAfter is not a date from 1950 to 9999");
  }
}
