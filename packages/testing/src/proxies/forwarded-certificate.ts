import { createHash, X509Certificate } from "node:crypto";
import { readCertificateNames } from "../certificates/certificate-names.ts";

/** Encodes a certificate as a proxy does in a header. The input is the certificate as PEM, optionally followed by its chain. */
export type CertificateWriter = (certificate: string) => string;

/** Encodes the DER as a Byte Sequence (RFC 9440 section 2.1). */
export function byteSequence(certificate: string): string {
  return `:${base64Der(certificate)}:`;
}

/** Encodes the DER as base64 on one line. */
export function base64Der(certificate: string): string {
  return derOf(certificate).toString("base64");
}

/** Encodes the DER of the certificate and of its chain as base64, separated by commas. */
export function base64DerList(certificate: string): string {
  return blocksOf(certificate).map(base64Der).join(",");
}

/** Percent-encodes everything in the PEM except letters, digits and `-._~`. */
export function escapedPem(certificate: string): string {
  return encodeURIComponent(pemOf(certificate));
}

/** Percent-encodes the PEM, but not `+`, `=` and `/`. */
export function partlyEscapedPem(certificate: string): string {
  return encodeURI(pemOf(certificate));
}

/** Percent-encodes the certificate and its chain, but not `+`, `=` and `/`. */
export function partlyEscapedPemChain(certificate: string): string {
  return blocksOf(certificate).map(partlyEscapedPem).join("");
}

/** Replaces the line feeds in the PEM with spaces, except the last, because HTTP trims header values. */
export function spacedPem(certificate: string): string {
  return pemOf(certificate).trimEnd().replaceAll("\n", " ");
}

/** Returns a writer for the SHA-256 of the DER. */
export function sha256(encoding: "hex" | "base64" | "base64url"): CertificateWriter {
  return (certificate) => createHash("sha256").update(derOf(certificate)).digest(encoding);
}

/** Returns an element of Envoy's `x-forwarded-client-cert` with the details `cert` and `uri`. Envoy does not escape the URI. */
export function xfccElement(certificate: string): string {
  return `${hashPair(certificate)};Cert="${escapedPem(certificate)}"${uriPairs(certificate)}`;
}

/** Returns the element that a sidecar appends for the proxy in front of it, with the detail `uri`. */
export function xfccHopElement(certificate: string): string {
  return `${hashPair(certificate)}${uriPairs(certificate)}`;
}

/** Returns the element of Azure Container Apps, whose chain starts with the client certificate. */
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

/** Splits a PEM text into its certificates. */
function blocksOf(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
}

function derOf(certificate: string): Buffer {
  return new X509Certificate(certificate).raw;
}

/** Normalises the PEM to lines of 64 characters. */
function pemOf(certificate: string): string {
  return new X509Certificate(certificate).toString();
}
