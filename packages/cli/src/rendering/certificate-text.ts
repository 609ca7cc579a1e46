import type { X509Certificate } from "node:crypto";
import { printable } from "./printable.ts";

/** Writes the subject or the issuer of a certificate; Node.js leaves it undefined if the name is empty. */
export function nameText(certificate: X509Certificate, member: "subject" | "issuer"): string {
  const name = certificate[member] as string | undefined;
  return name === undefined || name === "" ? "(empty)" : printable(name.replaceAll("\n", ", "));
}

/** Writes the start or the end of the validity; a certificate can hold a date that cannot be read. */
export function validityText(certificate: X509Certificate, member: "validFrom" | "validTo"): string {
  const time = Date.parse(certificate[member]);
  return Number.isNaN(time) ? `unreadable (${printable(certificate[member])})` : new Date(time).toISOString();
}
