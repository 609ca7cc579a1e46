import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { certificateThumbprint } from "@certbound/core";
import type { ThumbprintArguments } from "../arguments/thumbprint-arguments.ts";
import { type FileProblem, fileProblems, leafFirst, readCertificateFile } from "../inputs/certificate-file.ts";
import { readSource } from "../inputs/text-source.ts";
import { type ExitCode, exitCodes, type Surroundings } from "../program.ts";
import { nameText, validityText } from "../rendering/printable.ts";
import type { Styling } from "../rendering/styling.ts";
import { serverCertificates } from "./server-certificates.ts";

/** One certificate in the report. */
export interface CertificateInfo {
  readonly "x5t#S256": string;
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601, as `validTo`. */
  readonly validFrom: string;
  readonly validTo: string;
  /** The thumbprint in hexadecimal; only with `--all`. */
  readonly hex?: string;
  /** As `openssl x509 -fingerprint -sha256` prints it; only with `--all`. */
  readonly hexWithColons?: string;
}

/** The report of `certbound thumbprint`. */
export interface ThumbprintReport {
  readonly command: "thumbprint";
  readonly exitCode: ExitCode;
  /** Where the certificates were read from. */
  readonly source: "file" | "server";
  /** The leaf first. */
  readonly certificates: readonly CertificateInfo[];
  /** The reason why no certificate was read. */
  readonly fault?: FileProblem;
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
 * Reports the thumbprints of the certificates in a file, or of the server at an address. Does not verify the certificates.
 *
 * @throws UsageError
 */
export async function thumbprint(
  { source, all }: ThumbprintArguments,
  surroundings: Surroundings,
): Promise<ThumbprintReport> {
  const address = source === "-" || existsSync(source) ? undefined : addressOf(source);
  const reportOf = (certificates: readonly X509Certificate[]): Pick<ThumbprintReport, "command" | "certificates"> => ({
    command: "thumbprint",
    certificates: leafFirst(certificates).map((certificate) => certificateInfo(certificate, all)),
  });
  if (address !== undefined) {
    const presented = await serverCertificates(address);
    if (!("failure" in presented))
      return { ...reportOf(presented.certificates), exitCode: exitCodes.success, source: "server" };
    const reason = `the TLS connection to the server failed (${presented.failure})`;
    const fault = {
      id: "server-unreachable",
      reason,
      fix: "check host and port, and whether the server supports TLS",
    };
    return { ...reportOf([]), exitCode: exitCodes.noResult, source: "server", fault };
  }
  const file = readCertificateFile(source, await readSource(source, "thumbprint", surroundings));
  if (file.problem === undefined)
    return { ...reportOf(file.certificates), exitCode: exitCodes.success, source: "file" };
  return { ...reportOf([]), exitCode: exitCodes.failure, source: "file", fault: fileProblems[file.problem] };
}

/** Formats the report as text. */
export function thumbprintText({ certificates, source, fault }: ThumbprintReport, style: Styling): string {
  if (fault !== undefined) return `${style("bad", "no certificate")}: ${fault.reason}\nfix: ${fault.fix}\n`;
  const title = source === "server" ? ["The certificates of the server, not of a client:"] : [];
  return `${[...title, ...certificates.flatMap((certificate, index) => lines(certificate, index, style))].join("\n")}\n`;
}

function certificateInfo(certificate: X509Certificate, all: boolean): CertificateInfo {
  const x5t = certificateThumbprint(certificate);
  const hex = Buffer.from(x5t, "base64url").toString("hex");
  return {
    "x5t#S256": x5t,
    subject: nameText(certificate, "subject"),
    issuer: nameText(certificate, "issuer"),
    validFrom: validityText(certificate, "validFrom"),
    validTo: validityText(certificate, "validTo"),
    ...(all && { hex, hexWithColons: (hex.match(/../g) ?? []).join(":").toUpperCase() }),
  };
}

/** Parses a host name or an IP address, and a port. */
function addressOf(source: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([^\s/:]+)):(\d{1,5})$/i.exec(source) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

function lines(certificate: CertificateInfo, index: number, style: Styling): readonly string[] {
  const role = index === 0 ? "" : style("faint", "  (chain certificate: tokens are not bound to it)");
  return [
    `${style("strong", certificate["x5t#S256"])}${role}`,
    ...labels
      .filter(([name]) => certificate[name] !== undefined)
      .map(([name, label]) => `    ${style("faint", label.padEnd(13))}${certificate[name] ?? ""}`),
  ];
}
