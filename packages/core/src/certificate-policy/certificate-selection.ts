import type { KeyObject, X509Certificate } from "node:crypto";
import { derFromFile } from "../certificate/certificate-der.ts";
import { type ClientCertificate, parseClientCertificate } from "../certificate/client-certificate.ts";
import {
  nonEmptyList,
  onlyTrue,
  type OptionRule,
  type OptionRules,
  sha256Thumbprint,
} from "../values/known-options.ts";
import { type AlternativeNames, alternativeNamesRule, parseAlternativeNames } from "./alternative-names.ts";

/** Says which certificates are meant; all that is given must hold, and each list by one of its items. */
export interface CertificateSelection {
  /**
   * The TLS layer verified the chain in the handshake of this very connection, or the proxy says that it did (see
   * `ClientCertificate`).
   *
   * Where this server terminates TLS, the certificate of a resumed session does not count. A proxy does not say whether it
   * resumed a session, and may repeat the result of an earlier handshake: disable session resumption at the proxy.
   */
  readonly chainVerified?: true | undefined;
  /** The SHA-256 thumbprints (`x5t#S256`). */
  readonly thumbprints?: readonly string[] | undefined;
  /**
   * The CA certificates that sign client certificates directly: PEM of one or more, with any text before, between and after
   * them (a bundle), base64 DER, bytes, or Node's object.
   *
   * Checks the issuer's name, the signature, and that the certificate is one of a client: not a CA's, and without an extended
   * key usage that excludes client authentication (RFC 5280 section 4.2.1.12). Does not check the validity and revocation of
   * either certificate, the CA's own issuer, name constraints, unknown critical extensions, or the hash of the signature:
   * use it together with `chainVerified` wherever TLS verifies the chain.
   */
  readonly issuers?: readonly (string | Uint8Array | X509Certificate)[] | undefined;
  /**
   * Subject alternative names. Anybody can write any name into a certificate: one of the other three must be given as
   * well, to say who vouches for it.
   */
  readonly subjectAlternativeNames?: AlternativeNames | undefined;
}

/** Tells why a certificate is not one of those that were selected; undefined: it is. */
export type Selector = (certificate: ClientCertificate) => string | undefined;

const issuerRule: OptionRule = {
  expected: "CA certificates: PEM of one or more, base64 DER, bytes or an X509Certificate",
  accepts: (value) => authoritiesOf(value).length > 0,
};

/** The rules of a selection, for option types that include it. */
export const selectionRules: OptionRules<CertificateSelection> = {
  chainVerified: onlyTrue,
  thumbprints: nonEmptyList(sha256Thumbprint),
  issuers: nonEmptyList(issuerRule),
  subjectAlternativeNames: alternativeNamesRule,
};

/**
 * Parses a selection whose options were checked.
 *
 * @throws TypeError when nobody vouches for the subject alternative names
 */
export function parseSelection(selection: CertificateSelection): Selector {
  const { chainVerified, thumbprints, issuers, subjectAlternativeNames: names } = selection;
  if (names !== undefined && chainVerified === undefined && thumbprints === undefined && issuers === undefined) {
    throw new TypeError(
      'certbound: option "subjectAlternativeNames" needs chainVerified, issuers or thumbprints beside it: ' +
        "anybody can write a name into a certificate",
    );
  }
  const listed = thumbprints && new Set(thumbprints);
  const authorities = issuers?.flatMap(authoritiesOf);
  const isNamed = names && parseAlternativeNames(names);
  return memoized((certificate) => {
    if (chainVerified && certificate.chainVerified !== true) {
      return "nobody says that the chain was verified in this handshake: does the server verify, was the session resumed?";
    }
    if (listed?.has(certificate.thumbprint) === false) return "the thumbprint is not on the list";
    if (authorities === undefined && isNamed === undefined) return undefined;
    const { x509 } = certificate;
    if (x509 === undefined) return "only the thumbprint is known: the certificate itself is needed";
    const reason = authorities && reasonAgainstIssue(x509, authorities);
    if (reason !== undefined) return reason;
    return isNamed?.(x509) === false ? "it has none of the subject alternative names on the list" : undefined;
  });
}

/**
 * Caches what was found of a certificate, which cannot change: to check one signature takes 100 us.
 *
 * A connection over TLS 1.3 has one object for its certificate, and so has the value of a header while `fromProxy` caches it.
 */
function memoized(select: Selector): Selector {
  const known = new WeakMap<ClientCertificate, { readonly reason: string | undefined }>();
  return (certificate) => {
    const found = known.get(certificate) ?? { reason: select(certificate) };
    known.set(certificate, found);
    return found.reason;
  };
}

/** Extended key usages that permit client authentication (RFC 5280 section 4.2.1.12). */
const clientUsages: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]);

/** Returns why a certificate was not issued to a client by one of the authorities; undefined when it was. */
function reasonAgainstIssue(x509: X509Certificate, authorities: readonly Authority[]): string | undefined {
  if (!authorities.some((authority) => isIssuedBy(x509, authority)))
    return "none of the issuers on the list has signed it";
  if (x509.ca) {
    return 'it is the certificate of a CA, which "issuers" does not accept as a client: list it in "thumbprints" instead';
  }
  // Node calls the extended key usage so; undefined where the certificate has none.
  const usages = x509.keyUsage as readonly string[] | undefined;
  return usages === undefined || usages.some((usage) => clientUsages.has(usage))
    ? undefined
    : "its extended key usage does not include client authentication";
}

function isIssuedBy(x509: X509Certificate, { certificate, publicKey }: Authority): boolean {
  return x509.checkIssued(certificate) && x509.verify(publicKey);
}

/** A CA certificate with the key that its signatures are verified by. */
interface Authority {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
}

/** Parses the certificates of CAs; none for a value that holds anything else. */
function authoritiesOf(value: unknown): readonly Authority[] {
  try {
    const certificates = typeof value === "string" ? derFromFile(value) : [value];
    const authorities = certificates.map(authorityOf);
    return authorities.every((authority) => authority !== undefined) ? authorities : [];
  } catch {
    return [];
  }
}

function authorityOf(value: unknown): Authority | undefined {
  // It throws for a value of any other type.
  const x509 = parseClientCertificate(value as Uint8Array)?.x509;
  return x509?.ca === true ? { certificate: x509, publicKey: x509.publicKey } : undefined;
}
