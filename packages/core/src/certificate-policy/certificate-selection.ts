import type { KeyObject, X509Certificate } from "node:crypto";
import { derFromFile } from "../certificate/certificate-der.ts";
import { type ClientCertificate, parseClientCertificate } from "../certificate/client-certificate.ts";
import { nonEmptyList, onlyTrue, type OptionRule, type OptionRules, thumbprintRule } from "../values/known-options.ts";
import { type AlternativeNames, alternativeNamesRule, parseAlternativeNames } from "./alternative-names.ts";

/** Selects certificates. All given members must match; a list matches if one of its items does. */
export interface CertificateSelection {
  /**
   * Requires that the TLS layer verified the chain in the handshake of this connection, or that the proxy reports a verified
   * chain (see `ClientCertificate`).
   *
   * If this server terminates TLS, the certificate of a resumed session does not match. A proxy does not report whether it
   * resumed a session, and may report the result of an earlier handshake: disable session resumption at the proxy.
   */
  readonly chainVerified?: true | undefined;
  /** SHA-256 thumbprints (`x5t#S256`). */
  readonly thumbprints?: readonly string[] | undefined;
  /**
   * The CA certificates that sign client certificates directly: PEM with one or more of them and any text in between (a
   * bundle), base64 DER, bytes, or Node's `X509Certificate`.
   *
   * Checks the issuer's name and the signature. The client certificate must not be a CA certificate, and its extended key
   * usage, if any, must permit client authentication (RFC 5280 section 4.2.1.12).
   *
   * Does not check the validity period or revocation of either certificate, the issuer of the CA, name constraints, unknown
   * critical extensions, or the hash algorithm of the signature: combine `issuers` with `chainVerified` if TLS verifies the
   * chain.
   */
  readonly issuers?: readonly (string | Uint8Array | X509Certificate)[] | undefined;
  /**
   * Subject alternative names. Requires one of the other three members as well, because anyone can create a certificate with
   * any name.
   */
  readonly subjectAlternativeNames?: AlternativeNames | undefined;
}

/** Returns why a certificate does not match a selection; undefined if it matches. */
export type SelectionCheck = (certificate: ClientCertificate) => string | undefined;

const issuerRule: OptionRule = {
  expected: "CA certificates: PEM with one or more certificates, base64 DER, bytes or an X509Certificate",
  accepts: (value) => parseCas(value).length > 0,
};

/** The option rules for {@link CertificateSelection}, and for option types that include it. */
export const selectionRules: OptionRules<CertificateSelection> = {
  chainVerified: onlyTrue,
  thumbprints: nonEmptyList(thumbprintRule),
  issuers: nonEmptyList(issuerRule),
  subjectAlternativeNames: alternativeNamesRule,
};

/**
 * Creates the check for a selection whose options were already checked.
 *
 * @throws TypeError if `subjectAlternativeNames` is the only member
 */
export function parseSelection(selection: CertificateSelection): SelectionCheck {
  const { chainVerified, thumbprints, issuers, subjectAlternativeNames: names } = selection;
  if (names !== undefined && chainVerified === undefined && thumbprints === undefined && issuers === undefined) {
    throw new TypeError(
      'certbound: option "subjectAlternativeNames" also needs chainVerified, issuers or thumbprints: ' +
        "anyone can create a certificate with any name",
    );
  }
  const listed = thumbprints && new Set(thumbprints);
  const cas = issuers?.flatMap(parseCas);
  const hasName = names && parseAlternativeNames(names);
  return cached((certificate) => {
    if (chainVerified && certificate.chainVerified !== true) {
      return "the chain was not verified in this handshake (verification disabled, or session resumed?)";
    }
    if (listed?.has(certificate.thumbprint) === false) return "the thumbprint is not on the list";
    if (cas === undefined && hasName === undefined) return undefined;
    const { x509 } = certificate;
    if (x509 === undefined) return certificateNeededBy(cas === undefined ? "subjectAlternativeNames" : "issuers");
    const problem = cas && issuerProblem(x509, cas);
    if (problem !== undefined) return problem;
    return hasName?.(x509) === false
      ? "the certificate has none of the subject alternative names on the list"
      : undefined;
  });
}

/** Returns the reason for a certificate without `x509`. */
export function certificateNeededBy(rule: string): string {
  return `${rule} needs the certificate itself, but only its thumbprint is known, or Node cannot parse it`;
}

/**
 * Caches the result for each certificate object, because the object cannot change and signatures are slow to verify.
 *
 * All requests of a TLS 1.3 connection share one object. All requests with the same header value also share one object while
 * `fromProxy` caches the value.
 */
function cached(check: SelectionCheck): SelectionCheck {
  const results = new WeakMap<ClientCertificate, { readonly reason: string | undefined }>();
  return (certificate) => {
    const result = results.get(certificate) ?? { reason: check(certificate) };
    results.set(certificate, result);
    return result.reason;
  };
}

/** Extended key usages that permit client authentication (RFC 5280 section 4.2.1.12). */
const clientUsages: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]);

/** Returns why a certificate was not issued to a client by one of the CAs; undefined if it was. */
function issuerProblem(x509: X509Certificate, cas: readonly CertificateAuthority[]): string | undefined {
  if (!cas.some((ca) => isIssuedBy(x509, ca))) return "none of the issuers on the list signed the certificate";
  if (x509.ca) {
    return 'the client certificate is a CA certificate, which "issuers" does not accept: list it in "thumbprints" instead';
  }
  // Despite its name, Node's keyUsage is the extended key usage; undefined if the certificate has none.
  const usages = x509.keyUsage as readonly string[] | undefined;
  return usages === undefined || usages.some((usage) => clientUsages.has(usage))
    ? undefined
    : "the extended key usage of the certificate does not include client authentication";
}

function isIssuedBy(x509: X509Certificate, { certificate, publicKey }: CertificateAuthority): boolean {
  return x509.checkIssued(certificate) && x509.verify(publicKey);
}

/** A CA certificate with its public key. */
interface CertificateAuthority {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
}

/** Parses CA certificates; returns an empty list if the value contains anything else. */
function parseCas(value: unknown): readonly CertificateAuthority[] {
  try {
    const certificates = typeof value === "string" ? derFromFile(value) : [value];
    const cas = certificates.map(parseCa);
    return cas.every((ca) => ca !== undefined) ? cas : [];
  } catch {
    return [];
  }
}

function parseCa(value: unknown): CertificateAuthority | undefined {
  // Throws for a value of any other type.
  const x509 = parseClientCertificate(value as Uint8Array)?.x509;
  return x509?.ca === true ? { certificate: x509, publicKey: x509.publicKey } : undefined;
}
