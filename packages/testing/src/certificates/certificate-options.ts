import { createPrivateKey } from "node:crypto";
import { assertKnownOptions } from "../known-options.ts";
import { parseAlternativeName, readCertificateNames } from "./certificate-names.ts";
import type { AlternativeName } from "./certificate-names.ts";
import type { Identity } from "./identity.ts";

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
  /** Makes a certificate that was valid for a day, until a day ago. Excludes `notAfter`. */
  readonly expired?: true;
  /**
   * Makes a successor of this certificate, as a client gets it that keeps its key pair: another serial number and
   * dates of its own, so another thumbprint. Names that are not given are those of the predecessor. Excludes `keyType`.
   */
  readonly renews?: Identity;
  /** Entries such as `DNS:localhost`, `IP:127.0.0.1`, `URI:spiffe://a/b` and `email:a@example.com`. */
  readonly subjectAlternativeNames?: readonly string[];
}

/** Describes a certificate completely: options after parsing and defaults. */
export interface CertificateProfile {
  readonly usage: "authority" | "client" | "server";
  readonly commonName: string;
  readonly keyType: KeyType;
  /** The private key as PEM, where there is one already. */
  readonly key: string | undefined;
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
  if (keyType !== undefined) throw new TypeError("Give a keyType or a certificate to renew, not both");
  return keyTypeOf(renews.key);
}

/**
 * Tells the type of a private key in PEM.
 *
 * @throws TypeError for a key of none of these types
 */
export function keyTypeOf(pem: string): KeyType {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
  if (type === "rsa" || type === "ed25519") return type;
  if (type === "ec" && details?.namedCurve === "prime256v1") return type;
  throw new TypeError("The key is not of P-256, RSA or Ed25519");
}

function parseValidity(options: CertificateOptions): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  const { expired, notBefore, notAfter = expired && new Date(now - day) } = options;
  if ((expired as unknown) !== undefined && expired !== true) throw new TypeError("expired is not true, or left out");
  if (expired && options.notAfter) throw new TypeError("Give expired or notAfter, not both");
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
