import { Buffer } from "node:buffer";
import { rejected } from "../errors.ts";

const PEM_BEGIN = "-----BEGIN CERTIFICATE-----";
const PEM_END = "-----END CERTIFICATE-----";
/** The tag that every certificate starts with. */
const SEQUENCE = 0x30;

/**
 * Decodes a certificate from text: PEM, of which the first block counts, or canonical base64 DER.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function derFromText(text: string): Buffer {
  const trimmed = text.trim();
  // Another block may follow, which is no leaf and plays no part.
  const encoded = trimmed.startsWith(PEM_BEGIN) ? firstPemBlock(trimmed, "line feeds").body : text;
  const der = derFromBase64(encoded);
  if (der === undefined)
    throw rejected(
      "ERR_CERTIFICATE_MALFORMED",
      `the text is neither PEM nor canonical base64 DER${looksLike(encoded)}`,
    );
  return der;
}

/**
 * Decodes the certificates in a file of the operator: every PEM block, with any text before, between and after them, as
 * OpenSSL writes it ("Bag Attributes"), or canonical base64 DER.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED` for a text without a whole certificate, or with a part of one
 */
export function derFromFile(text: string): readonly [Buffer, ...Buffer[]] {
  const [, ...blocks] = text.split(PEM_BEGIN);
  const [first, ...others] = blocks.map((block) => {
    const end = block.indexOf(PEM_END) + PEM_END.length;
    return derFromText(PEM_BEGIN + block.slice(0, end < PEM_END.length ? undefined : end));
  });
  return [first ?? derFromText(text), ...others];
}

/** Decodes canonical base64 that can be DER; undefined for what only looks like it, as hexadecimal digits do. */
export function derFromBase64(text: string): Buffer | undefined {
  const der = bytesFromBase64(text);
  return der?.[0] === SEQUENCE ? der : undefined;
}

/** Decodes canonical base64 (RFC 4648 section 4) and nothing else: no white space, padded, no stray bits. */
export function bytesFromBase64(text: string): Buffer | undefined {
  // Canonical or nothing: Buffer.from skips what it does not know, and would hash it happily.
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/**
 * Splits PEM text into the base64 of its blocks; nothing but white space may be before, between and after them.
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
  if (!text.startsWith(PEM_BEGIN)) throw rejected("ERR_CERTIFICATE_MALFORMED", `the text is not PEM${looksLike(text)}`);
  const end = text.indexOf(PEM_END);
  if (end < 0) throw rejected("ERR_CERTIFICATE_MALFORMED", "the PEM text has no END line: truncated?");
  const lineBreak = lineBreaks === "spaces" ? " " : "\n";
  const body = text.slice(PEM_BEGIN.length, end).replaceAll("\r\n", "\n");
  const isBroken = lineBreaks === "spaces" ? body.includes("\n") : !body.startsWith("\n");
  if (isBroken) throw rejected("ERR_CERTIFICATE_MALFORMED", `the line breaks of the PEM text are not ${lineBreaks}`);
  const rest = text.slice(end + PEM_END.length).trimStart();
  if (rest !== "" && !rest.startsWith(PEM_BEGIN))
    throw rejected("ERR_CERTIFICATE_MALFORMED", "the PEM text is followed by something else");
  return { body: body.replaceAll(lineBreak, ""), rest };
}

/**
 * Checks that bytes have the outer shape of a certificate (RFC 5280 section 4.1): SEQUENCE of SEQUENCE, SEQUENCE and BIT STRING,
 * with definite lengths that add up, and nothing behind. No other part of X.509 is parsed, so that a certificate that Node
 * cannot read still has a thumbprint.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function assertCertificateShape(der: Buffer): void {
  const certificate = elementAt(der, 0);
  if (certificate?.tag !== SEQUENCE || !certificate.isShortest)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the bytes are not a DER certificate${bytesLookLike(der)}`);
  const { content, end } = certificate;
  if (end > der.length)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `the certificate is truncated: ${der.length} of ${end} bytes`);
  if (end < der.length)
    throw rejected("ERR_CERTIFICATE_MALFORMED", `something follows the certificate: ${der.length - end} bytes`);
  let offset = content;
  for (const tag of CERTIFICATE_MEMBERS) {
    const member = elementAt(der, offset);
    if (member?.tag !== tag || member.end > end) throw rejected("ERR_CERTIFICATE_MALFORMED", NOT_A_CERTIFICATE);
    offset = member.end;
  }
  if (offset !== end) throw rejected("ERR_CERTIFICATE_MALFORMED", NOT_A_CERTIFICATE);
}

const BIT_STRING = 0x03;
/** `tbsCertificate`, `signatureAlgorithm`, `signatureValue`. */
const CERTIFICATE_MEMBERS = [SEQUENCE, SEQUENCE, BIT_STRING];
const NOT_A_CERTIFICATE = "the DER is not that of a certificate: expected SEQUENCE, SEQUENCE and BIT STRING in it";

interface DerElement {
  readonly tag: number;
  /** Where its content begins, and where it ends: the end may lie behind the last byte. */
  readonly content: number;
  readonly end: number;
  /** Whether its length is written in the shortest form, as DER has it. */
  readonly isShortest: boolean;
}

/** Reads the header of an element; undefined without a definite length. */
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
  if (text === PEM_BEGIN) return ": they are PEM text, to be passed as a string";
  return der[0] === SEQUENCE && der.length < 6 ? ": they are truncated" : "";
}

/** A form that a text can have which should be a certificate or its hash; some are mistakes. */
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

/** How each form is recognised, the most telling first. */
const forms: readonly (readonly [form: TextForm, pattern: RegExp, words: string])[] = [
  ["hyphen", /^-$/, "it is a hyphen, as some products write for no value"],
  ["quoted", /^(["'`]).*\1$/s, "it is in quotes"],
  [
    "variable",
    /^(?:\$\{?\w+\}?|%\w+%|%\{[^{}]*\}\w*|%\[[^[\]]*\])$/,
    "it is a variable that was not replaced by its value",
  ],
  ["escaped-twice", /%25[\da-f]{2}/i, "it is percent-encoded twice"],
  ["plus-for-space", /^-----BEGIN\+/, "its spaces are written as +, as forms encode them"],
  ["pem", /^-----BEGIN CERTIFICATE-----/, "it looks like PEM"],
  ["escaped-pem", /^-----BEGIN%20/, "it looks like escaped PEM, as nginx and others forward it"],
  ["xfcc", /^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i, "it looks like Envoy's x-forwarded-client-cert"],
  ["rfc9440", /^:[^:]*:$/, "it looks like an RFC 9440 byte sequence"],
  ["sha1", /^(?:[\da-f]{2}:?){19}[\da-f]{2}$/i, "it looks like a hexadecimal SHA-1 fingerprint, which binds nothing"],
  ["sha256-hex", /^(?:[\da-f]{2}:?){31}[\da-f]{2}$/i, "it looks like a hexadecimal SHA-256 fingerprint"],
  [
    "sha256-base64url",
    /^[\w-]{42}[AEIMQUYcgkosw048]$/,
    "it looks like a bare thumbprint, to be passed as { thumbprint }",
  ],
  ["sha256-base64", /^[A-Za-z\d+/]{43}=$/, "it looks like a SHA-256 fingerprint in base64"],
  // 0x30 0x80 and above, which is how DER of more than 127 bytes starts.
  ["der-base64", /^MI[A-Za-z\d+/]+={0,2}$/, "it looks like base64 DER"],
  ["percent-encoded", /%[\da-f]{2}/i, "it looks percent-encoded"],
  ["list", /,/, "it looks like a list"],
  ["placeholder", /^[({]/, "it looks like a placeholder for no certificate"],
];

/**
 * Names the form that a text looks like, for the operator, to complete a sentence.
 *
 * @param expected the form that was expected, which is not named: the text is a broken one of it
 */
export function looksLike(text: string, expected?: TextForm): string {
  const [name, , words] = forms.find(([form, pattern]) => form !== expected && pattern.test(text)) ?? [expected];
  const isCut = name === "der-base64" && text.startsWith("MI") && text.length % 4 !== 0;
  const parts = [words, isCut ? "truncated or without its padding" : undefined].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}
