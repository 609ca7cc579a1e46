import { createHash, X509Certificate } from "node:crypto";
import { readCertificateNames } from "../certificates/certificate-names.ts";

/** Writes a certificate as a proxy does in a header: the first of a PEM text, after which its chain may follow. */
export type CertificateWriter = (certificate: string) => string;

/** A Byte Sequence (RFC 9440 section 2.1). */
export function byteSequence(certificate: string): string {
  return `:${base64Der(certificate)}:`;
}

/** The DER in one line of base64. */
export function base64Der(certificate: string): string {
  return derOf(certificate).toString("base64");
}

/** The DER of the certificate and of its chain, separated by commas. */
export function base64DerList(certificate: string): string {
  return blocksOf(certificate).map(base64Der).join(",");
}

/** PEM in which everything but letters, digits and `-._~` is percent-encoded. */
export function escapedPem(certificate: string): string {
  return encodeURIComponent(pemOf(certificate));
}

/** PEM in which `+`, `=` and `/` are not percent-encoded. */
export function partlyEscapedPem(certificate: string): string {
  return encodeURI(pemOf(certificate));
}

/** The same of the certificate and of its chain. */
export function partlyEscapedPemChain(certificate: string): string {
  return blocksOf(certificate).map(partlyEscapedPem).join("");
}

/** PEM with spaces for line feeds; the last of them does not survive HTTP. */
export function spacedPem(certificate: string): string {
  return pemOf(certificate).trimEnd().replaceAll("\n", " ");
}

/** Writes the SHA-256 of the DER. */
export function sha256(encoding: "hex" | "base64" | "base64url"): CertificateWriter {
  return (certificate) => createHash("sha256").update(derOf(certificate)).digest(encoding);
}

/** The element of Envoy's `x-forwarded-client-cert` with the details `cert` and `uri`; a URI is neither quoted nor escaped. */
export function xfccElement(certificate: string): string {
  return `${hashPair(certificate)};Cert="${escapedPem(certificate)}"${uriPairs(certificate)}`;
}

/** The element that a sidecar appends for the proxy before it, with the detail `uri`. */
export function xfccHopElement(certificate: string): string {
  return `${hashPair(certificate)}${uriPairs(certificate)}`;
}

/** The element of Azure Container Apps; the chain starts with the certificate itself. */
export function xfccChainElement(certificate: string): string {
  const chain = blocksOf(certificate).map(escapedPem).join("");
  return `${hashPair(certificate)};Cert="${escapedPem(certificate)}";Chain="${chain}"`;
}

function hashPair(certificate: string): string {
  return `Hash=${sha256("hex")(certificate)}`;
}

function uriPairs(certificate: string): string {
  const { subjectAlternativeNames } = readCertificateNames(pemOf(certificate));
  const uris = subjectAlternativeNames.filter((name) => name.startsWith("URI:"));
  return uris.map((name) => `;URI=${name.slice("URI:".length)}`).join("");
}

/** The certificates of a PEM text, one by one. */
function blocksOf(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
}

function derOf(certificate: string): Buffer {
  return new X509Certificate(certificate).raw;
}

/** In lines of 64 characters, whatever the lines of the given text are. */
function pemOf(certificate: string): string {
  return new X509Certificate(certificate).toString();
}
