import { createHash, X509Certificate } from "node:crypto";
import { readCertificateNames } from "./certificate-names.ts";

/** Writes a certificate, given as PEM, as a proxy does in a header. */
export type CertificateWriter = (certificate: string) => string;

/** A Byte Sequence (RFC 9440 section 2.1). */
export function byteSequence(certificate: string): string {
  return `:${base64Der(certificate)}:`;
}

/** The DER in one line of base64. */
export function base64Der(certificate: string): string {
  return derOf(certificate).toString("base64");
}

/** PEM in which everything but letters, digits and `-._~` is percent-encoded. */
export function escapedPem(certificate: string): string {
  return encodeURIComponent(pemOf(certificate));
}

/** PEM in which `+`, `=` and `/` are not percent-encoded. */
export function partlyEscapedPem(certificate: string): string {
  return encodeURI(pemOf(certificate));
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

/** The element of Azure Container Apps; the chain is the certificate alone. */
export function xfccChainElement(certificate: string): string {
  const pem = escapedPem(certificate);
  return `${hashPair(certificate)};Cert="${pem}";Chain="${pem}"`;
}

function hashPair(certificate: string): string {
  return `Hash=${sha256("hex")(certificate)}`;
}

function uriPairs(certificate: string): string {
  const { subjectAlternativeNames } = readCertificateNames(certificate);
  const uris = subjectAlternativeNames.filter((name) => name.startsWith("URI:"));
  return uris.map((name) => `;URI=${name.slice("URI:".length)}`).join("");
}

function derOf(certificate: string): Buffer {
  return new X509Certificate(certificate).raw;
}

/** In lines of 64 characters, whatever the lines of the given text are. */
function pemOf(certificate: string): string {
  return new X509Certificate(certificate).toString();
}
