import type { TellingCertificate, ThumbprintReport } from "../thumbprint/thumbprint.ts";
import type { Styling } from "./styling.ts";

const labels: readonly (readonly [keyof TellingCertificate, string])[] = [
  ["subject", "subject"],
  ["issuer", "issuer"],
  ["validFrom", "valid from"],
  ["validTo", "valid to"],
  ["hex", "hex"],
  ["hexWithColons", "with colons"],
];

/** Writes the thumbprints for people. */
export function thumbprintText({ certificates, source, fault }: ThumbprintReport, style: Styling): string {
  if (fault !== undefined) return `${style("bad", "no certificate")}: ${fault.reason}\nfix: ${fault.fix}\n`;
  const title = source === "server" ? ["The server's own certificate, not that of a client:"] : [];
  return `${[...title, ...certificates.flatMap((certificate, index) => lines(certificate, index, style))].join("\n")}\n`;
}

function lines(certificate: TellingCertificate, index: number, style: Styling): readonly string[] {
  const role = index === 0 ? "" : style("faint", "  of the chain: no token is bound to it");
  return [
    `${style("strong", certificate["x5t#S256"])}${role}`,
    ...labels
      .filter(([name]) => certificate[name] !== undefined)
      .map(([name, label]) => `    ${style("faint", label.padEnd(13))}${certificate[name] ?? ""}`),
  ];
}
