import type { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { type Surroundings, UsageError } from "../program.ts";
import { readSource } from "./text-source.ts";

/** The content of a file that does not contain a usable certificate. */
export type OtherContent =
  | "empty"
  | "private-key"
  | "public-key"
  | "request"
  | "pkcs7"
  | "pkcs12"
  | "escaped-line-breaks"
  | "der-named-pem"
  | "truncated-pem"
  | "something-else";

/** A file that should contain a certificate, and the certificates in it. */
export interface CertificateFile {
  readonly name: string;
  /** In the order of the file. */
  readonly certificates: readonly X509Certificate[];
  /** What the file contains instead; undefined if there is at least one certificate. */
  readonly problem: OtherContent | undefined;
  readonly bytes: Buffer;
}

/** The reason why no certificate was read, and how to fix it. */
export interface FileProblem {
  /** Stable, for use by programs. */
  readonly id: string;
  readonly reason: string;
  readonly fix: string;
}

/** The reason and the fix for each content that is not a certificate. */
export const fileProblems: Readonly<Record<OtherContent, FileProblem>> = {
  empty: {
    id: "certificate-file-empty",
    reason: "the file is empty",
    fix: "check the program that writes the file",
  },
  "private-key": {
    id: "certificate-file-is-private-key",
    reason: "the file contains a private key, not a certificate",
    fix: "pass the certificate; keep the key where it is",
  },
  "public-key": {
    id: "certificate-file-is-public-key",
    reason: "the file contains a public key, not a certificate",
    fix: "pass the certificate",
  },
  request: {
    id: "certificate-file-is-request",
    reason: "the file contains a certificate signing request, not a certificate",
    fix: "pass the certificate that the CA issued for this request",
  },
  pkcs7: {
    id: "certificate-file-is-pkcs7",
    reason: "the file contains certificates in a PKCS #7 bundle",
    fix: "convert it: openssl pkcs7 -print_certs -in FILE -out client.pem",
  },
  pkcs12: {
    id: "certificate-file-is-pkcs12",
    reason: "the file is a PKCS #12 archive: a certificate, its key and its chain, protected by a password",
    fix: "convert it: openssl pkcs12 -in FILE -clcerts -nokeys -out client.pem",
  },
  "escaped-line-breaks": {
    id: "certificate-escaped-line-breaks",
    reason: "the line breaks of the PEM text are written as \\n, as in an environment variable",
    fix: "restore the line feeds: value.replaceAll('\\\\n', '\\n')",
  },
  "der-named-pem": {
    id: "certificate-der-named-pem",
    reason: "the name of the file ends in .pem, but the file contains DER, which programs that expect PEM cannot read",
    fix: "convert it with openssl x509 -inform der -in FILE -out client.pem, or rename it to .der",
  },
  "truncated-pem": {
    id: "certificate-truncated",
    reason: "the PEM text has no end marker, or its content is not a certificate: it was truncated",
    fix: "copy the whole file",
  },
  "something-else": {
    id: "certificate-file-is-something-else",
    reason: "the file does not contain a certificate",
    fix: "pass a certificate as PEM or DER",
  },
};

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Other contents of PEM files, by label (RFC 7468). */
const labels: readonly (readonly [RegExp, OtherContent])[] = [
  [/-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/, "request"],
  [/-----BEGIN (?:\w+ )*PRIVATE KEY-----/, "private-key"],
  [/-----BEGIN (?:RSA )?PUBLIC KEY-----/, "public-key"],
  [/-----BEGIN (?:PKCS7|CMS)-----/, "pkcs7"],
  [/-----BEGIN CERTIFICATE-----/, "truncated-pem"],
];

/**
 * Reads the certificates of a PEM or DER file. Text between PEM blocks is ignored.
 *
 * A file whose name ends in `.pem` must be PEM, because other programs expect PEM in it.
 */
export function readCertificateFile(name: string, bytes: Buffer): CertificateFile {
  const text = bytes.toString("latin1");
  const blocks = (text.match(BLOCK) ?? []).map(parsed).filter((certificate) => certificate !== undefined);
  if (blocks.length > 0) return { name, certificates: blocks, problem: undefined, bytes };
  const der = parsed(bytes);
  const isNamedPem = name.toLowerCase().endsWith(".pem");
  if (der === undefined || isNamedPem) {
    return { name, certificates: [], problem: der === undefined ? problemOf(text, bytes) : "der-named-pem", bytes };
  }
  return { name, certificates: [der], problem: undefined, bytes };
}

/**
 * Reads CA certificates, as PEM.
 *
 * @throws UsageError if a file contains no certificate. Node.js would ignore the file, and then trust no server
 */
export async function readCaCertificates(
  names: readonly string[],
  surroundings: Surroundings,
): Promise<readonly string[]> {
  const files = await Promise.all(
    names.map(async (name) => readCertificateFile(name, await readSource(name, "--ca", surroundings))),
  );
  for (const file of files) assertCertificate(file, "--ca");
  return files.flatMap(({ certificates }) => certificates.map(String));
}

/**
 * Requires that a file contains a certificate.
 *
 * @throws UsageError that describes what the file contains instead
 */
export function assertCertificate({ problem }: CertificateFile, option: string): void {
  if (problem !== undefined) throw new UsageError(`${option}: ${fileProblems[problem].reason}`);
}

/**
 * Moves the leaf of a chain to the front: the certificate that issued none of the others (RFC 8446 section 4.4.2). Keeps the
 * order of the others.
 */
export function leafFirst(certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  const leaf = certificates.find((one) => !certificates.some((other) => other !== one && other.checkIssued(one)));
  return leaf === undefined ? certificates : [leaf, ...certificates.filter((one) => one !== leaf)];
}

function problemOf(text: string, bytes: Buffer): OtherContent {
  if (text.trim() === "") return "empty";
  if (/-----BEGIN CERTIFICATE-----\\r?\\?n/.test(text)) return "escaped-line-breaks";
  const label = labels.find(([pattern]) => pattern.test(text));
  if (label !== undefined) return label[1];
  return problemOfDer(bytes);
}

/** Identifies a DER structure by its first elements. */
function problemOfDer(bytes: Buffer): OtherContent {
  if (bytes[0] !== 0x30) return "something-else";
  const header = (bytes[1] ?? 0) < 0x80 ? 2 : 2 + ((bytes[1] ?? 0) & 0x7f);
  const inner = bytes.subarray(header, header + 40).toString("hex");
  // PFX (RFC 7292 section 4): version 3, then a PKCS #7 ContentInfo.
  if (/^02010330.{2,8}06092a864886f70d0107/.test(inner)) return "pkcs12";
  if (inner.startsWith("06092a864886f70d0107")) return "pkcs7";
  if (/^02010[01]/.test(inner)) return "private-key";
  // CertificationRequestInfo (RFC 2986 section 4.1) starts with version 0.
  if (/^30.{2,8}020100/.test(inner)) return "request";
  return /^30.{2,4}06/.test(inner) ? "public-key" : "something-else";
}

function parsed(certificate: string | Buffer): X509Certificate | undefined {
  try {
    const x509 = new X509Certificate(certificate);
    return typeof certificate === "string" || x509.raw.equals(certificate) ? x509 : undefined;
  } catch {
    return undefined;
  }
}
