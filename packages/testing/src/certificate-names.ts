// The types of @peculiar/x509 name BufferSource, CryptoKey and other globals of browsers.
/// <reference lib="dom" />
// @peculiar/x509 asks for a Reflect polyfill that is loaded before it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/** Holds whom a certificate is for, as the options of a certificate say it. */
export interface CertificateNames {
  readonly commonName: string;
  readonly subjectAlternativeNames: readonly string[];
}

const prefixes: Partial<Record<x509.GeneralNameType, string>> = { dns: "DNS", ip: "IP", url: "URI", email: "email" };

/** Reads the names of a certificate in PEM; those of a kind that the kit does not write are left out. */
export function readCertificateNames(certificate: string): CertificateNames {
  const { subjectName, extensions } = new x509.X509Certificate(certificate);
  const [commonName = ""] = subjectName.getField("CN");
  const alternatives = extensions.filter((extension) => extension instanceof x509.SubjectAlternativeNameExtension);
  const subjectAlternativeNames = alternatives
    .flatMap(({ names }) => names.items)
    .flatMap(({ type, value }) => (prefixes[type] === undefined ? [] : [`${prefixes[type]}:${value}`]));
  return { commonName, subjectAlternativeNames };
}
