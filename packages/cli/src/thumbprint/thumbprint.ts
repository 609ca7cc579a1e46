import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { certificateThumbprint } from "@certbound/core";
import type { ThumbprintArguments } from "../arguments/thumbprint-arguments.ts";
import { type FoundCause } from "../causes/cause.ts";
import { fileCause } from "../causes/certificate-causes.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { leafFirst, readCertificateFile } from "../inputs/certificate-file.ts";
import { serverCertificates } from "../inputs/server-certificates.ts";
import { readSource } from "../inputs/text-source.ts";
import { nameText, validityText } from "../rendering/certificate-text.ts";
import type { Surroundings } from "../surroundings.ts";

/** One certificate, told. */
export interface TellingCertificate {
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
  readonly certificates: readonly TellingCertificate[];
  /** Why there is none. */
  readonly fault?: FoundCause;
}

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
    certificates: leafFirst(certificates).map((certificate) => telling(certificate, all)),
  });
  if (address !== undefined) {
    const presented = await serverCertificates(address);
    if (!("failure" in presented))
      return { ...told(presented.certificates), exitCode: exitCodes.good, source: "server" };
    const reason = `the server could not be asked (${presented.failure})`;
    const fault = {
      id: "server-unreachable",
      reason,
      fix: "see whether host and port are right, and whether it speaks TLS",
    };
    return { ...told([]), exitCode: exitCodes.untold, source: "server", fault };
  }
  const file = readCertificateFile(source, await readSource(source, "thumbprint", surroundings));
  if (file.fault === undefined) return { ...told(file.certificates), exitCode: exitCodes.good, source: "file" };
  return { ...told([]), exitCode: exitCodes.bad, source: "file", fault: fileCause(file.fault) };
}

function telling(certificate: X509Certificate, all: boolean): TellingCertificate {
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
