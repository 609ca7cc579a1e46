import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { certificateThumbprint } from "@certbound/core";
import type { ThumbprintArguments } from "../arguments/thumbprint-arguments.ts";
import { type FileFault, fileFaults, leafFirst, readCertificateFile } from "../inputs/certificate-file.ts";
import { readSource } from "../inputs/text-source.ts";
import { type ExitCode, exitCodes, type Surroundings } from "../program.ts";
import { nameText, validityText } from "../rendering/printable.ts";
import type { Styling } from "../rendering/styling.ts";
import { serverCertificates } from "./server-certificates.ts";

/** One certificate, told. */
export interface CertificateInfo {
  readonly "x5t#S256": string;
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly hex?: string;
  readonly hexWithColons?: string;
}

/** What `certbound thumbprint` found. */
export interface ThumbprintReport {
  readonly command: "thumbprint";
  readonly exitCode: ExitCode;
  /** Whose certificates they are. */
  readonly source: "file" | "server";
  /** The leaf first. */
  readonly certificates: readonly CertificateInfo[];
  /** Why there is none. */
  readonly fault?: FileFault;
}

const labels: readonly (readonly [keyof CertificateInfo, string])[] = [
  ["subject", "subject"],
  ["issuer", "issuer"],
  ["validFrom", "valid from"],
  ["validTo", "valid to"],
  ["hex", "hex"],
  ["hexWithColons", "with colons"],
];

/**
 * Tells the thumbprints of the certificates in a file, or of the server at an address.
 *
 * It verifies nothing about them.
 *
 * @throws UsageError
 */
export async function thumbprint(
  { source, all }: ThumbprintArguments,
  surroundings: Surroundings,
): Promise<ThumbprintReport> {
  const address = source === "-" || existsSync(source) ? undefined : addressOf(source);
  const told = (certificates: readonly X509Certificate[]): Pick<ThumbprintReport, "command" | "certificates"> => ({
    command: "thumbprint",
    certificates: leafFirst(certificates).map((certificate) => certificateInfo(certificate, all)),
  });
  if (address !== undefined) {
    const presented = await serverCertificates(address);
    if (!("failure" in presented))
      return { ...told(presented.certificates), exitCode: exitCodes.success, source: "server" };
    const reason = `the server could not be asked (${presented.failure})`;
    const fault = {
      id: "server-unreachable",
      reason,
      fix: "see whether host and port are right, and whether it speaks TLS",
    };
    return { ...told([]), exitCode: exitCodes.noResult, source: "server", fault };
  }
  const file = readCertificateFile(source, await readSource(source, "thumbprint", surroundings));
  if (file.fault === undefined) return { ...told(file.certificates), exitCode: exitCodes.success, source: "file" };
  return { ...told([]), exitCode: exitCodes.failure, source: "file", fault: fileFaults[file.fault] };
}

/** Writes the thumbprints for people. */
export function thumbprintText({ certificates, source, fault }: ThumbprintReport, style: Styling): string {
  if (fault !== undefined) return `${style("bad", "no certificate")}: ${fault.reason}\nfix: ${fault.fix}\n`;
  const title = source === "server" ? ["The server's own certificate, not that of a client:"] : [];
  return `${[...title, ...certificates.flatMap((certificate, index) => lines(certificate, index, style))].join("\n")}\n`;
}

function certificateInfo(certificate: X509Certificate, all: boolean): CertificateInfo {
  const told = certificateThumbprint(certificate);
  const hex = Buffer.from(told, "base64url").toString("hex");
  return {
    "x5t#S256": told,
    subject: nameText(certificate, "subject"),
    issuer: nameText(certificate, "issuer"),
    validFrom: validityText(certificate, "validFrom"),
    validTo: validityText(certificate, "validTo"),
    ...(all && { hex, hexWithColons: (hex.match(/../g) ?? []).join(":").toUpperCase() }),
  };
}

/** A name or an address, and a port. */
function addressOf(source: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([^\s/:]+)):(\d{1,5})$/i.exec(source) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

function lines(certificate: CertificateInfo, index: number, style: Styling): readonly string[] {
  const role = index === 0 ? "" : style("faint", "  of the chain: no token is bound to it");
  return [
    `${style("strong", certificate["x5t#S256"])}${role}`,
    ...labels
      .filter(([name]) => certificate[name] !== undefined)
      .map(([name, label]) => `    ${style("faint", label.padEnd(13))}${certificate[name] ?? ""}`),
  ];
}
