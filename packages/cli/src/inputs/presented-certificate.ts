import { randomBytes, type X509Certificate } from "node:crypto";
import {
  AccessTokenError,
  certificateThumbprint,
  type ClientCertificate,
  type ClientCertificateInput,
  fromProxy,
} from "@certbound/core";
import type { Surroundings } from "../program.ts";
import { assertCertificate, type CertificateFile, readCertificateFile } from "./certificate-file.ts";
import { namedFormat, possibleFormats, type NamedFormat } from "./proxy-formats.ts";
import { readSource } from "./text-source.ts";

/** The certificate that the client presents. */
export interface Presented {
  /** The input for core. */
  readonly input: ClientCertificateInput | AccessTokenError | null;
  /** The thumbprint, as core computes it; undefined without a usable certificate. */
  readonly thumbprint: string | undefined;
  readonly x509: X509Certificate | undefined;
  /** Describes where the certificate was read from. */
  readonly source: string;
  readonly file: CertificateFile | undefined;
  readonly forwarded: ForwardedCertificate | undefined;
  /** Other certificates that the token may be bound to instead. */
  readonly others: readonly OtherCertificate[];
}

/** A certificate that is only compared with the token. */
export interface OtherCertificate {
  readonly x509: X509Certificate;
  /** `chain`: from the file of the presented certificate; `also`: from a file given for the comparison. */
  readonly from: "chain" | "also";
  readonly name: string;
}

/** The result of `fromProxy` for the headers that a proxy sent. */
export interface ForwardedCertificate {
  readonly resolved: ClientCertificate | AccessTokenError;
  /** The format as source code. */
  readonly code: string;
  readonly isGuessed: boolean;
  /** The header of the format, and all its values. */
  readonly header: string;
  readonly values: readonly string[];
  /** The headers with the verification result that the format requires, and all their values. */
  readonly verify: readonly { readonly header: string; readonly values: readonly string[] }[];
}

/** The headers of a request, and their format. */
export interface ForwardedHeaders {
  readonly headers: readonly (readonly [string, string])[];
  readonly format: string | undefined;
  readonly formatOptions: Readonly<Record<string, unknown>> | undefined;
}

/** The options that describe the client. */
export interface PresentedOptions extends ForwardedHeaders {
  /** The path of a file, or `-` for standard input. */
  readonly certificate: string | undefined;
  /** Paths of files with other certificates. */
  readonly also: readonly string[];
}

/**
 * Reads the certificate that the client presents, from the header of a proxy or from a file. If both are given, the
 * certificate in the file is only compared with the token.
 *
 * @throws UsageError
 */
export async function presentedCertificate(given: PresentedOptions, surroundings: Surroundings): Promise<Presented> {
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

/** Returns the input for core. If the file contains no certificate, this is its content, so that core reports the error. */
function inputOf({ bytes, problem }: CertificateFile, leaf: X509Certificate | undefined): ClientCertificateInput {
  if (leaf !== undefined) return leaf;
  if (problem === "empty") return "";
  return bytes[0] === 0x30 && problem !== "der-named-pem" ? bytes : bytes.toString("latin1");
}

async function othersOf({ also }: PresentedOptions, surroundings: Surroundings): Promise<readonly OtherCertificate[]> {
  const files = await Promise.all(also.map((name) => fileOf(name, "--also", surroundings)));
  for (const file of files) assertCertificate(file, "--also");
  return files.flatMap(({ certificates, name }) => certificates.map((x509) => ({ x509, from: "also" as const, name })));
}

async function fileOf(name: string, option: string, surroundings: Surroundings): Promise<CertificateFile> {
  return readCertificateFile(name, await readSource(name, option, surroundings));
}

/**
 * Reads the certificate from the headers that a proxy sent, as `fromProxy` does. Assumes that they came from the proxy.
 *
 * If no format is given, guesses it by the names of the headers, then by their values. An API must never guess,
 * because clients could then choose which header it reads.
 *
 * @throws UsageError
 */
export function readForwarded({ headers, format, formatOptions }: ForwardedHeaders): ForwardedCertificate {
  if (format !== undefined) return readAs(namedFormat(format, formatOptions), headers, false);
  const possible = possibleFormats(headers.map(([name]) => name)).map((one) => readAs(one, headers, true));
  const readable = possible.find(({ resolved }) => !(resolved instanceof AccessTokenError));
  // If no format is readable, prefer one that decoded the value but does not trust it.
  const untrusted = possible.find(
    ({ resolved }) => resolved instanceof AccessTokenError && resolved.code === "ERR_CERTIFICATE_UNTRUSTED",
  );
  // There is at least one header, and so at least one possible format.
  return (readable ?? untrusted ?? possible[0]) as ForwardedCertificate;
}

function readAs(
  { format, code }: NamedFormat,
  headers: ForwardedHeaders["headers"],
  isGuessed: boolean,
): ForwardedCertificate {
  // fromProxy requires a trust rule: here, a secret header that this function adds itself.
  const proof = { header: "x-certbound-cli-proof", value: randomBytes(24).toString("base64url") };
  const resolve = fromProxy(format, { trust: { secret: proof } });
  const rawHeaders = [...headers, [proof.header, proof.value] as const].flat();
  const valuesOf = (header: string): string[] =>
    headers.filter(([name]) => name.toLowerCase() === header.toLowerCase()).map(([, value]) => value);
  return {
    resolved: resolve({ rawHeaders, socket: {} }),
    code,
    isGuessed,
    header: format.header,
    values: valuesOf(format.header),
    verify: [format.verify ?? []].flat().map(({ header }) => ({ header, values: valuesOf(header) })),
  };
}
