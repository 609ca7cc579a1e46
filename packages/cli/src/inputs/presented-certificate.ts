import { randomBytes, type X509Certificate } from "node:crypto";
import {
  AccessTokenError,
  certificateThumbprint,
  type ClientCertificate,
  type ClientCertificateInput,
  fromProxy,
} from "@certbound/core";
import { type Surroundings, UsageError } from "../program.ts";
import { type CertificateFile, readCertificateFile } from "./certificate-file.ts";
import { namedFormat, possibleFormats, type WrittenFormat } from "./proxy-formats.ts";
import { readSource } from "./text-source.ts";

/** What the client presents. */
export interface Presented {
  /** What core is given. */
  readonly input: ClientCertificateInput | AccessTokenError | null;
  /** Its thumbprint, as core computes it; undefined where there is no usable certificate. */
  readonly thumbprint: string | undefined;
  readonly x509: X509Certificate | undefined;
  /** Where it is from, in words. */
  readonly source: string;
  readonly file: CertificateFile | undefined;
  readonly forwarded: ForwardedCertificate | undefined;
  /** Other certificates that the token may be bound to instead. */
  readonly others: readonly OtherCertificate[];
}

/** A certificate that is compared, and presented by nobody. */
export interface OtherCertificate {
  readonly x509: X509Certificate;
  /** The same file as the one that is presented, or one that was named for the comparison. */
  readonly from: "chain" | "also";
  readonly name: string;
}

/** What core makes of the headers that a proxy sent. */
export interface ForwardedCertificate {
  readonly resolved: ClientCertificate | AccessTokenError;
  /** How the format is written in code. */
  readonly code: string;
  readonly isGuessed: boolean;
  /** The header of the format, and all its values. */
  readonly header: string;
  readonly values: readonly string[];
  /** The verify headers of the format, with all their values. */
  readonly verify: readonly { readonly header: string; readonly values: readonly string[] }[];
}

/** The headers of a request, and how they are to be read. */
export interface ForwardedHeaders {
  readonly headers: readonly (readonly [string, string])[];
  readonly format: string | undefined;
  readonly formatOptions: Readonly<Record<string, unknown>> | undefined;
}

/** What the command line says of the client. */
export interface PresentedOptions extends ForwardedHeaders {
  /** A file. */
  readonly certificate: string | undefined;
  /** Files with other certificates. */
  readonly also: readonly string[];
}

/**
 * Reads what the client presents: the header of a proxy, else a file, else nothing. Beside a header, the file is compared.
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

/** What is no certificate is given to core as it is: core says what it makes of it. */
function inputOf({ bytes, fault }: CertificateFile, leaf: X509Certificate | undefined): ClientCertificateInput {
  if (leaf !== undefined) return leaf;
  if (fault === "empty") return "";
  return bytes[0] === 0x30 && fault !== "der-named-pem" ? bytes : bytes.toString("latin1");
}

async function othersOf({ also }: PresentedOptions, surroundings: Surroundings): Promise<readonly OtherCertificate[]> {
  const files = await Promise.all(also.map((name) => fileOf(name, "--also", surroundings)));
  const empty = files.find(({ certificates }) => certificates.length === 0);
  if (empty !== undefined) throw new UsageError(`--also: there is no certificate in it (${String(empty.fault)})`);
  return files.flatMap(({ certificates, name }) => certificates.map((x509) => ({ x509, from: "also" as const, name })));
}

async function fileOf(name: string, option: string, surroundings: Surroundings): Promise<CertificateFile> {
  return readCertificateFile(name, await readSource(name, option, surroundings));
}

/**
 * Reads the certificate from the headers that a proxy sent, as `fromProxy` does. That they came from the proxy is taken as
 * proven.
 *
 * Where no format is named, one is guessed by the names of the headers, then by their values. Only here: an API that guesses
 * is an API that a client tells what to read.
 *
 * @throws UsageError
 */
export function readForwarded({ headers, format, formatOptions }: ForwardedHeaders): ForwardedCertificate {
  if (format !== undefined) return readAs(namedFormat(format, formatOptions), headers, false);
  const possible = possibleFormats(headers.map(([name]) => name)).map((one) => readAs(one, headers, true));
  const readable = possible.find(({ resolved }) => !(resolved instanceof AccessTokenError));
  // Of those that cannot be read, the one whose value could, or else the first.
  const decoded = possible.find(
    ({ resolved }) => resolved instanceof AccessTokenError && resolved.code === "ERR_CERTIFICATE_UNTRUSTED",
  );
  // There is at least one header, which makes at least one possible format.
  return (readable ?? decoded ?? possible[0]) as ForwardedCertificate;
}

function readAs(
  { format, code }: WrittenFormat,
  headers: ForwardedHeaders["headers"],
  isGuessed: boolean,
): ForwardedCertificate {
  const proof = { header: "x-certbound-cli-proof", value: randomBytes(24).toString("base64url") };
  const resolve = fromProxy(format, { trust: { secret: proof } });
  const rawHeaders = [...headers, [proof.header, proof.value] as const].flat();
  const valuesOf = (wanted: string): string[] =>
    headers.filter(([name]) => name.toLowerCase() === wanted.toLowerCase()).map(([, value]) => value);
  return {
    resolved: resolve({ rawHeaders, socket: {} }),
    code,
    isGuessed,
    header: format.header,
    values: valuesOf(format.header),
    verify: [format.verify ?? []].flat().map(({ header }) => ({ header, values: valuesOf(header) })),
  };
}
