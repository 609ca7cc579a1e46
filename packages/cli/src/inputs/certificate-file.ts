import type { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { type Surroundings, UsageError } from "../program.ts";
import { readSource } from "./text-source.ts";

/** The things that a file holds instead of a certificate. */
export type NoCertificate =
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

/** A file that should hold a certificate, and what it holds. */
export interface CertificateFile {
  readonly name: string;
  /** In the order of the file. */
  readonly certificates: readonly X509Certificate[];
  /** Why there is none; undefined when there is. */
  readonly fault: NoCertificate | undefined;
  readonly bytes: Buffer;
}

/** What a file that should hold a certificate holds instead, and what to do about it. */
export interface FileFault {
  /** Stable, for programs. */
  readonly id: string;
  readonly reason: string;
  readonly fix: string;
}

/** The faults of a file, in words. */
export const fileFaults: Readonly<Record<NoCertificate, FileFault>> = {
  empty: {
    id: "certificate-file-empty",
    reason: "the file is empty",
    fix: "see what should have written it",
  },
  "private-key": {
    id: "certificate-file-is-private-key",
    reason: "the file holds a private key, not a certificate",
    fix: "name the certificate; keep the key where it is",
  },
  "public-key": {
    id: "certificate-file-is-public-key",
    reason: "the file holds a public key, not a certificate",
    fix: "name the certificate",
  },
  request: {
    id: "certificate-file-is-request",
    reason: "the file holds a certificate signing request, which nobody has signed yet",
    fix: "name the certificate that the authority made of it",
  },
  pkcs7: {
    id: "certificate-file-is-pkcs7",
    reason: "the file holds certificates in a PKCS #7 bundle",
    fix: "openssl pkcs7 -print_certs -in FILE -out client.pem",
  },
  pkcs12: {
    id: "certificate-file-is-pkcs12",
    reason: "the file is a PKCS #12 archive: certificate, key and chain behind a password",
    fix: "openssl pkcs12 -in FILE -clcerts -nokeys -out client.pem",
  },
  "escaped-line-breaks": {
    id: "certificate-escaped-line-breaks",
    reason: "the line breaks of the PEM text are written as \\n, as in a variable of the environment",
    fix: "put real line feeds back: value.replaceAll('\\\\n', '\\n')",
  },
  "der-named-pem": {
    id: "certificate-der-named-pem",
    reason: "the file is called .pem and holds DER: what expects PEM cannot read it",
    fix: "openssl x509 -inform der -in FILE -out client.pem, or call it .der",
  },
  "truncated-pem": {
    id: "certificate-truncated",
    reason: "the PEM text has a beginning, and no end or no content that is a certificate: it was cut off",
    fix: "copy the whole file",
  },
  "something-else": {
    id: "certificate-file-is-something-else",
    reason: "the file holds no certificate",
    fix: "give a certificate as PEM or DER",
  },
};

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The other things that PEM holds, by their labels (RFC 7468). */
const labels: readonly (readonly [RegExp, NoCertificate])[] = [
  [/-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/, "request"],
  [/-----BEGIN (?:\w+ )*PRIVATE KEY-----/, "private-key"],
  [/-----BEGIN (?:RSA )?PUBLIC KEY-----/, "public-key"],
  [/-----BEGIN (?:PKCS7|CMS)-----/, "pkcs7"],
  [/-----BEGIN CERTIFICATE-----/, "truncated-pem"],
];

/**
 * Reads the certificates of a file: PEM, of which every block counts and what is between them does not, or DER.
 *
 * A file whose name ends in `.pem` is read as PEM only, as by programs that expect PEM.
 */
export function readCertificateFile(name: string, bytes: Buffer): CertificateFile {
  const text = bytes.toString("latin1");
  const blocks = (text.match(BLOCK) ?? []).map(parsed).filter((certificate) => certificate !== undefined);
  if (blocks.length > 0) return { name, certificates: blocks, fault: undefined, bytes };
  const der = parsed(bytes);
  const isNamedPem = name.toLowerCase().endsWith(".pem");
  if (der === undefined || isNamedPem) {
    return { name, certificates: [], fault: der === undefined ? faultOf(text, bytes) : "der-named-pem", bytes };
  }
  return { name, certificates: [der], fault: undefined, bytes };
}

/**
 * Reads the certificates of authorities, as PEM. Node passes over what is none, and would trust nobody.
 *
 * @throws UsageError for a file without one
 */
export async function readAuthorities(
  names: readonly string[],
  surroundings: Surroundings,
): Promise<readonly string[]> {
  const files = await Promise.all(
    names.map(async (name) => readCertificateFile(name, await readSource(name, "--ca", surroundings))),
  );
  const empty = files.find(({ fault }) => fault !== undefined);
  if (empty !== undefined) throw new UsageError(`--ca: there is no certificate in it (${String(empty.fault)})`);
  return files.flatMap(({ certificates }) => certificates.map(String));
}

/**
 * Puts the leaf of a chain first: the one that issued none of the others (RFC 8446 section 4.4.2). The rest keeps its order.
 */
export function leafFirst(certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  const leaf = certificates.find((one) => !certificates.some((other) => other !== one && other.checkIssued(one)));
  return leaf === undefined ? certificates : [leaf, ...certificates.filter((one) => one !== leaf)];
}

function faultOf(text: string, bytes: Buffer): NoCertificate {
  if (text.trim() === "") return "empty";
  if (/-----BEGIN CERTIFICATE-----\\r?\\?n/.test(text)) return "escaped-line-breaks";
  const label = labels.find(([pattern]) => pattern.test(text));
  if (label !== undefined) return label[1];
  return faultOfDer(bytes);
}

/** The first elements of each structure: PKCS#12 and PKCS#8 begin with a version, a request with a certificate's. */
function faultOfDer(bytes: Buffer): NoCertificate {
  if (bytes[0] !== 0x30) return "something-else";
  const header = (bytes[1] ?? 0) < 0x80 ? 2 : 2 + ((bytes[1] ?? 0) & 0x7f);
  const inner = bytes.subarray(header, header + 40).toString("hex");
  // PFX (RFC 7292 section 4): version 3, then a ContentInfo of PKCS #7.
  if (/^02010330.{2,8}06092a864886f70d0107/.test(inner)) return "pkcs12";
  if (inner.startsWith("06092a864886f70d0107")) return "pkcs7";
  if (/^02010[01]/.test(inner)) return "private-key";
  // CertificationRequestInfo (RFC 2986 section 4.1) begins with version 0.
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
