import { createPrivateKey } from "node:crypto";
import { assertKnownOptions } from "../known-options.ts";
import { parseAlternativeName, readCertificateNames } from "./certificate-names.ts";
import type { AlternativeName } from "./certificate-names.ts";
import type { Identity } from "./identity.ts";

/** The key type of a certificate: P-256, RSA 2048 or Ed25519. */
export type KeyType = "ec" | "rsa" | "ed25519";

/** Options of a certificate; all are optional. */
export interface CertificateOptions {
  /** The only attribute of the subject, used literally: `"a, CN=b"` is one name that contains a comma. */
  readonly commonName?: string;
  /** Defaults to `"ec"`. */
  readonly keyType?: KeyType;
  /** Defaults to one day before the current time or `notAfter`, whichever is earlier. */
  readonly notBefore?: Date;
  /** Defaults to one year after the current time or `notBefore`, whichever is later. */
  readonly notAfter?: Date;
  /** Issues a certificate that was valid for one day and expired one day ago. Cannot be combined with `notAfter`. */
  readonly expired?: true;
  /**
   * Renews this certificate with the same key pair: the serial number, the dates and therefore the thumbprint differ.
   * Names default to the names of this certificate. Cannot be combined with `keyType`.
   */
  readonly renews?: Identity;
  /** Entries such as `DNS:localhost`, `IP:127.0.0.1`, `URI:spiffe://a/b` and `email:a@example.com`. */
  readonly subjectAlternativeNames?: readonly string[];
}

/** Certificate options after parsing, with defaults applied. */
export interface CertificateProfile {
  readonly usage: "ca" | "client" | "server";
  readonly commonName: string;
  readonly keyType: KeyType;
  /** An existing private key as PEM; if undefined, a new one is generated. */
  readonly key: string | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly alternativeNames: readonly AlternativeName[];
}

/** The defaults for options that are not set. */
export interface CertificateDefaults {
  readonly usage: CertificateProfile["usage"];
  readonly commonName: string;
  readonly subjectAlternativeNames: readonly string[];
}

const day = 24 * 60 * 60 * 1000;
const keyTypes: readonly unknown[] = ["ec", "rsa", "ed25519"] satisfies readonly KeyType[];
const knownOptions = [
  "commonName",
  "keyType",
  "notBefore",
  "notAfter",
  "expired",
  "renews",
  "subjectAlternativeNames",
] satisfies readonly (keyof CertificateOptions)[];

/**
 * Parses certificate options.
 *
 * Does not require notBefore to be earlier than notAfter, so that tests can use a certificate that is never valid.
 *
 * @throws TypeError for an unknown option or an invalid value
 */
export function parseCertificateOptions(
  options: CertificateOptions,
  defaults: CertificateDefaults,
): CertificateProfile {
  assertKnownOptions(options, knownOptions);
  const { renews } = options;
  const names = renews === undefined ? defaults : readCertificateNames(renews.certificate);
  const { commonName = names.commonName, subjectAlternativeNames = names.subjectAlternativeNames } = options;
  if (typeof commonName !== "string" || commonName === "") {
    throw new TypeError("commonName is not a non-empty string");
  }
  return {
    usage: defaults.usage,
    commonName,
    keyType: parseKeyType(options),
    key: renews?.key,
    ...parseValidity(options),
    alternativeNames: subjectAlternativeNames.map(parseAlternativeName),
  };
}

function parseKeyType({ keyType, renews }: CertificateOptions): KeyType {
  if (renews === undefined) {
    if (keyType !== undefined && !keyTypes.includes(keyType)) {
      throw new TypeError(`keyType "${keyType}" is not ec, rsa or ed25519`);
    }
    return keyType ?? "ec";
  }
  if (keyType !== undefined) throw new TypeError("keyType and renews cannot be combined");
  return keyTypeOf(renews.key);
}

/**
 * Returns the type of a PEM private key.
 *
 * @throws TypeError if the key is not P-256, RSA or Ed25519
 */
export function keyTypeOf(pem: string): KeyType {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
  if (type === "rsa" || type === "ed25519") return type;
  if (type === "ec" && details?.namedCurve === "prime256v1") return type;
  throw new TypeError("The key is not a P-256, RSA or Ed25519 key");
}

function parseValidity(options: CertificateOptions): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  const { expired, notBefore, notAfter = expired && new Date(now - day) } = options;
  if ((expired as unknown) !== undefined && expired !== true) throw new TypeError("expired is not true or undefined");
  if (expired && options.notAfter) throw new TypeError("expired and notAfter cannot be combined");
  const start = notBefore ?? new Date(Math.min(now, Number(notAfter ?? now)) - day);
  const end = notAfter ?? new Date(Math.max(now, Number(notBefore ?? now)) + 365 * day);
  assertCertificateDate(start);
  assertCertificateDate(end);
  return { notBefore: start, notAfter: end };
}

/**
 * Requires a year that X.509 can encode: 1950 to 9999 (RFC 5280 section 4.1.2.5). Any other year would become another date.
 *
 * @throws TypeError for any other year
 */
function assertCertificateDate(date: Date): void {
  const year = date instanceof Date ? date.getUTCFullYear() : Number.NaN;
  if (!(year >= 1950 && year <= 9999)) {
    throw new TypeError("notBefore or notAfter is not a date from 1950 to 9999");
  }
}
