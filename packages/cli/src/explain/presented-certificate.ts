import type { X509Certificate } from "node:crypto";
import { AccessTokenError, certificateThumbprint, type ClientCertificateInput } from "@certbound/core";
import type { ExplainArguments } from "../arguments/explain-arguments.ts";
import { type CertificateFile, readCertificateFile } from "../inputs/certificate-file.ts";
import { readForwarded } from "../inputs/forwarded-certificate.ts";
import { readSource } from "../inputs/text-source.ts";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";
import type { OtherCertificate, Presented } from "./facts.ts";

/**
 * Reads what the client presents: the header of a proxy, else a file, else nothing. Beside a header, the file is compared.
 *
 * @throws UsageError
 */
export async function presentedCertificate(given: ExplainArguments, surroundings: Surroundings): Promise<Presented> {
  const file = given.certificate === undefined ? undefined : await fileOf(given.certificate, "--cert", surroundings);
  const others = await othersOf(given, surroundings);
  if (given.headers.length === 0) return file === undefined ? none(others) : fromFile(file, others);
  const forwarded = readForwarded(given);
  const { resolved } = forwarded;
  const usable = resolved instanceof AccessTokenError ? undefined : resolved;
  const compared = file?.certificates.map((x509) => ({ x509, from: "also" as const, name: file.name })) ?? [];
  return {
    input: resolved,
    thumbprint: usable?.thumbprint,
    x509: usable?.x509,
    source: `the header ${forwarded.header}, read by ${forwarded.code}`,
    file: undefined,
    forwarded,
    others: [...compared, ...others],
  };
}

function none(others: readonly OtherCertificate[]): Presented {
  const source = "none";
  return { input: null, thumbprint: undefined, x509: undefined, source, file: undefined, forwarded: undefined, others };
}

function fromFile(file: CertificateFile, others: readonly OtherCertificate[]): Presented {
  const [leaf, ...chain] = file.certificates;
  return {
    input: inputOf(file, leaf),
    thumbprint: leaf === undefined ? undefined : certificateThumbprint(leaf),
    x509: leaf,
    source: `the file ${file.name}`,
    file,
    forwarded: undefined,
    others: [...chain.map((x509) => ({ x509, from: "chain" as const, name: file.name })), ...others],
  };
}

/** What is no certificate is given to core as it is: core says what it makes of it. */
function inputOf({ bytes, fault }: CertificateFile, leaf: X509Certificate | undefined): ClientCertificateInput {
  if (leaf !== undefined) return leaf;
  if (fault === "empty") return "";
  return bytes[0] === 0x30 && fault !== "der-named-pem" ? bytes : bytes.toString("latin1");
}

async function othersOf({ also }: ExplainArguments, surroundings: Surroundings): Promise<readonly OtherCertificate[]> {
  const files = await Promise.all(also.map((name) => fileOf(name, "--also", surroundings)));
  const empty = files.find(({ certificates }) => certificates.length === 0);
  if (empty !== undefined) throw new UsageError(`--also: there is no certificate in it (${String(empty.fault)})`);
  return files.flatMap(({ certificates, name }) => certificates.map((x509) => ({ x509, from: "also" as const, name })));
}

async function fileOf(name: string, option: string, surroundings: Surroundings): Promise<CertificateFile> {
  return readCertificateFile(name, await readSource(name, option, surroundings));
}
