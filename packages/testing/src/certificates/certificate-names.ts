// The types of @peculiar/x509 refer to BufferSource, CryptoKey and other browser globals.
/// <reference lib="dom" />
// @peculiar/x509 needs a Reflect polyfill that is loaded first.
import "reflect-metadata";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

/** The kinds of subject alternative name that the kit supports. */
export type AlternativeNameKind = "DNS" | "IP" | "URI" | "email";

/** One entry of a certificate's subjectAltName extension (RFC 5280 section 4.2.1.6). */
export interface AlternativeName {
  readonly kind: AlternativeNameKind;
  readonly value: string;
}

/** The names in a certificate, in the notation of the certificate options. */
export interface CertificateNames {
  readonly commonName: string;
  readonly subjectAlternativeNames: readonly string[];
}

const visibleAscii = /^[\x21-\x7e]+$/;

const isValid: Readonly<Record<AlternativeNameKind, (value: string) => boolean>> = {
  DNS: (value) => visibleAscii.test(value),
  IP: (value) => isIP(value) !== 0,
  URI: (value) => visibleAscii.test(value),
  email: (value) => visibleAscii.test(value),
};

/**
 * Parses a subject alternative name in OpenSSL's notation, such as `DNS:localhost` or `IP:::1`.
 *
 * Checks the syntax of IP addresses only; the other kinds can be any visible ASCII text.
 *
 * @throws TypeError for another kind, another notation or an invalid value
 */
export function parseAlternativeName(text: string): AlternativeName {
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0));
  const value = text.slice(colon + 1);
  if (!isKind(kind) || !isValid[kind](value)) {
    throw new TypeError(`Subject alternative name "${text}" is not DNS:..., IP:..., URI:... or email:...`);
  }
  return { kind, value };
}

function isKind(text: string): text is AlternativeNameKind {
  return Object.hasOwn(isValid, text);
}

const prefixes: Partial<Record<x509.GeneralNameType, string>> = { dns: "DNS", ip: "IP", url: "URI", email: "email" };

/** Reads the names from a PEM certificate; skips the kinds that the kit does not support. */
export function readCertificateNames(certificate: string): CertificateNames {
  const { subjectName, extensions } = new x509.X509Certificate(certificate);
  const [commonName = ""] = subjectName.getField("CN");
  const alternatives = extensions.filter((extension) => extension instanceof x509.SubjectAlternativeNameExtension);
  const subjectAlternativeNames = alternatives
    .flatMap(({ names }) => names.items)
    .flatMap(({ type, value }) => (prefixes[type] === undefined ? [] : [`${prefixes[type]}:${value}`]));
  return { commonName, subjectAlternativeNames };
}
