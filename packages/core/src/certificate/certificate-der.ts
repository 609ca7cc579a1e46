import { Buffer } from "node:buffer";
import { rejected } from "../errors.ts";

const PEM_BEGIN = "-----BEGIN CERTIFICATE-----";
const PEM_END = "-----END CERTIFICATE-----";
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/**
 * Decodes a certificate from text: the first block of PEM, or canonical base64 DER.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function derFromText(text: string): Buffer {
  const trimmed = text.trim();
  // Further blocks are the rest of the chain and are ignored.
  const encoded = trimmed.startsWith(PEM_BEGIN) ? firstPemBlock(trimmed, "line feeds").body : text;
  const der = derFromBase64(encoded);
  if (der === undefined)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `expected PEM or canonical base64 DER${looksLike(encoded)}`);
  return der;
}

/**
 * Decodes the certificates in a file: every PEM block, or canonical base64 DER. Any text is allowed before, between and after
 * the blocks, such as OpenSSL's "Bag Attributes".
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED` if the text contains no certificate, or an incomplete one
 */
export function derFromFile(text: string): readonly [Buffer, ...Buffer[]] {
  const [, ...blocks] = text.split(PEM_BEGIN);
  const [first, ...others] = blocks.map((block) => {
    const end = block.indexOf(PEM_END) + PEM_END.length;
    return derFromText(PEM_BEGIN + block.slice(0, end < PEM_END.length ? undefined : end));
  });
  return [first ?? derFromText(text), ...others];
}

/** Decodes canonical base64 of bytes that start like DER; undefined for other text, such as hexadecimal digits. */
export function derFromBase64(text: string): Buffer | undefined {
  const der = bytesFromBase64(text);
  return der?.[0] === SEQUENCE ? der : undefined;
}

/** Decodes canonical base64 (RFC 4648 section 4): padded, without white space and without stray bits; undefined for other text. */
export function bytesFromBase64(text: string): Buffer | undefined {
  // Buffer.from skips invalid characters, so the result is encoded again and compared.
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/**
 * Splits PEM text into the base64 of its blocks. Only white space is allowed before, between and after them.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function pemBodies(text: string, lineBreaks: LineBreaks): readonly string[] {
  const bodies: string[] = [];
  let rest = text.trim();
  do {
    const block = firstPemBlock(rest, lineBreaks);
    bodies.push(block.body);
    rest = block.rest;
  } while (rest !== "");
  return bodies;
}

type LineBreaks = "line feeds" | "spaces";

function firstPemBlock(text: string, lineBreaks: LineBreaks): { readonly body: string; readonly rest: string } {
  if (!text.startsWith(PEM_BEGIN)) throw rejected("ERR_CERTIFICATE_MALFORMED", `expected PEM${looksLike(text)}`);
  const end = text.indexOf(PEM_END);
  if (end < 0) throw rejected("ERR_CERTIFICATE_MALFORMED", "the PEM text has no END line (truncated?)");
  const lineBreak = lineBreaks === "spaces" ? " " : "\n";
  const body = text.slice(PEM_BEGIN.length, end).replaceAll("\r\n", "\n");
  const isBroken = lineBreaks === "spaces" ? body.includes("\n") : !body.startsWith("\n");
  if (isBroken) throw rejected("ERR_CERTIFICATE_MALFORMED", `the line breaks of the PEM text are not ${lineBreaks}`);
  const rest = text.slice(end + PEM_END.length).trimStart();
  if (rest !== "" && !rest.startsWith(PEM_BEGIN))
    throw rejected("ERR_CERTIFICATE_MALFORMED", "the PEM text is followed by other text");
  return { body: body.replaceAll(lineBreak, ""), rest };
}

/**
 * Checks that bytes have the outer structure of a certificate (RFC 5280 section 4.1): a SEQUENCE that contains SEQUENCE,
 * SEQUENCE and BIT STRING, with definite lengths that add up, and no bytes after it. Does not check anything else, so that a
 * certificate that Node cannot parse still has a thumbprint.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function assertCertificateShape(der: Buffer): void {
  const certificate = elementAt(der, 0);
  if (certificate?.tag !== SEQUENCE || !certificate.isShortest)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `expected a DER certificate${bytesLookLike(der)}`);
  const { content, end } = certificate;
  if (end > der.length)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the certificate is truncated: ${der.length} of ${end} bytes`);
  if (end < der.length)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the certificate is followed by ${der.length - end} additional bytes`);
  let offset = content;
  for (const tag of CERTIFICATE_MEMBERS) {
    const member = elementAt(der, offset);
    if (member?.tag !== tag || member.end > end) throw rejected("ERR_CERTIFICATE_MALFORMED", NOT_A_CERTIFICATE);
    offset = member.end;
  }
  if (offset !== end) throw rejected("ERR_CERTIFICATE_MALFORMED", NOT_A_CERTIFICATE);
}

/** The tags of `tbsCertificate`, `signatureAlgorithm` and `signatureValue`. */
const CERTIFICATE_MEMBERS = [SEQUENCE, SEQUENCE, BIT_STRING];
const NOT_A_CERTIFICATE =
  "expected a certificate with SEQUENCE, SEQUENCE and BIT STRING, but the DER has another structure";

interface DerElement {
  readonly tag: number;
  /** The offset of its content. */
  readonly content: number;
  /** The offset after its content, which can be beyond the last byte. */
  readonly end: number;
  /** Whether its length is encoded in the shortest form, as DER requires. */
  readonly isShortest: boolean;
}

/** Reads the header of an element; undefined if it has no definite length. */
function elementAt(der: Buffer, offset: number): DerElement | undefined {
  const [tag, short] = [der[offset], der[offset + 1]];
  if (tag === undefined || short === undefined) return undefined;
  const header = offset + 2;
  if (short < 0x80) return { tag, content: header, end: header + short, isShortest: true };
  const count = short & 0x7f;
  if (count === 0 || count > 4 || der.length < header + count) return undefined;
  const length = der.readUIntBE(header, count);
  const isShortest = count === 1 ? length >= 0x80 : der[header] !== 0;
  return { tag, content: header + count, end: header + count + length, isShortest };
}

function bytesLookLike(der: Buffer): string {
  const text = der.toString("latin1", 0, PEM_BEGIN.length);
  if (text === PEM_BEGIN) return ": the bytes are PEM text, which must be passed as a string";
  return der[0] === SEQUENCE && der.length < 6 ? ": the bytes are truncated" : "";
}

/** A form of text that can appear where a certificate or its hash is expected, for example if a proxy is misconfigured. */
export type TextForm =
  | "hyphen"
  | "quoted"
  | "variable"
  | "escaped-twice"
  | "plus-for-space"
  | "pem"
  | "escaped-pem"
  | "xfcc"
  | "rfc9440"
  | "sha1"
  | "sha256-hex"
  | "sha256-base64url"
  | "sha256-base64"
  | "der-base64"
  | "percent-encoded"
  | "list"
  | "placeholder";

/** The pattern and the description of each form. The first match counts. */
const forms: readonly (readonly [form: TextForm, pattern: RegExp, description: string])[] = [
  ["hyphen", /^-$/, "it is a hyphen, which some products send for a missing value"],
  ["quoted", /^(["'`]).*\1$/s, "it is in quotes"],
  [
    "variable",
    /^(?:\$\{?\w+\}?|%\w+%|%\{[^{}]*\}\w*|%\[[^[\]]*\])$/,
    "it is a variable that was not replaced by its value",
  ],
  ["escaped-twice", /%25[\da-f]{2}/i, "it is percent-encoded twice"],
  ["plus-for-space", /^-----BEGIN\+/, "its spaces are written as +, as in an HTML form"],
  ["pem", /^-----BEGIN CERTIFICATE-----/, "it looks like PEM"],
  ["escaped-pem", /^-----BEGIN%20/, "it looks like escaped PEM, the format of nginx and others"],
  ["xfcc", /^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i, "it looks like Envoy's x-forwarded-client-cert"],
  ["rfc9440", /^:[^:]*:$/, "it looks like an RFC 9440 byte sequence"],
  [
    "sha1",
    /^(?:[\da-f]{2}:?){19}[\da-f]{2}$/i,
    "it looks like a hexadecimal SHA-1 fingerprint, but SHA-256 is required",
  ],
  ["sha256-hex", /^(?:[\da-f]{2}:?){31}[\da-f]{2}$/i, "it looks like a hexadecimal SHA-256 fingerprint"],
  [
    "sha256-base64url",
    /^[\w-]{42}[AEIMQUYcgkosw048]$/,
    "it looks like a bare thumbprint, which must be passed as { thumbprint }",
  ],
  ["sha256-base64", /^[A-Za-z\d+/]{43}=$/, "it looks like a SHA-256 fingerprint in base64"],
  // 0x30 0x80 and above: the first bytes of DER with more than 127 bytes.
  ["der-base64", /^MI[A-Za-z\d+/]+={0,2}$/, "it looks like base64 DER"],
  ["percent-encoded", /%[\da-f]{2}/i, "it looks percent-encoded"],
  ["list", /,/, "it looks like a list"],
  ["placeholder", /^[({]/, "it looks like a placeholder that means no certificate"],
];

/**
 * Describes the form that a text seems to have, as the end of an error detail.
 *
 * @param expected the form that was expected, and that is therefore not described
 */
export function looksLike(text: string, expected?: TextForm): string {
  const [name, , description] = forms.find(([form, pattern]) => form !== expected && pattern.test(text)) ?? [expected];
  const isCut = name === "der-base64" && text.startsWith("MI") && text.length % 4 !== 0;
  const parts = [description, isCut ? "truncated or without padding" : undefined].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}
