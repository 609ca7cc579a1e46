import { Buffer } from "node:buffer";
import { AccessTokenError } from "./errors.ts";
import { isThumbprint } from "./thumbprint.ts";

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
  const encoded = trimmed.startsWith(PEM_BEGIN) ? firstPemBlock(trimmed) : text;
  // Canonical or nothing: Buffer.from skips what it does not know, and would hash it happily. The tag tells what only
  // looks like base64, as hexadecimal digits do.
  const der = Buffer.from(encoded, "base64");
  if (der[0] !== SEQUENCE || der.toString("base64") !== encoded) {
    throw malformed(`the text is neither PEM nor canonical base64 DER${textHint(trimmed)}`);
  }
  return der;
}

/** Takes the base64 text of the first block; another block may follow, which is no leaf and plays no part. */
function firstPemBlock(text: string): string {
  const end = text.indexOf(PEM_END);
  if (end < 0) throw malformed("the PEM text has no END line: truncated?");
  const rest = text.slice(end + PEM_END.length).trimStart();
  if (rest !== "" && !rest.startsWith(PEM_BEGIN)) throw malformed("the PEM text is followed by something else");
  const body = text.slice(PEM_BEGIN.length, end);
  if (!/^\r?\n/.test(body)) throw malformed("the PEM text has no line breaks: give it back its line feeds");
  return body.replaceAll(/\r?\n/g, "");
}

/**
 * Checks that bytes are one DER element, as far as that can be told from its outer header.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function assertOneDerElement(der: Buffer): void {
  if (!isOneDerElement(der)) throw malformed(`the bytes are not one DER certificate${bytesHint(der)}`);
}

/** A SEQUENCE with a definite, minimal length that ends where the bytes end. */
function isOneDerElement(der: Buffer): boolean {
  const [tag, short = 0] = der;
  if (tag !== SEQUENCE) return false;
  if (short < 0x80) return der.length === 2 + short;
  const count = short & 0x7f;
  if (count === 0 || count > 4 || der.length < 2 + count) return false;
  const length = der.readUIntBE(2, count);
  const minimal = count === 1 ? length >= 0x80 : (der[2] ?? 0) !== 0;
  return minimal && der.length === 2 + count + length;
}

function bytesHint(der: Buffer): string {
  if (der.toString("latin1", 0, PEM_BEGIN.length) === PEM_BEGIN) return ": they are PEM text, to be passed as a string";
  return der[0] === SEQUENCE ? ": they are truncated, or something follows the certificate" : "";
}

function textHint(text: string): string {
  if (/^-----BEGIN(%20|\+)/.test(text)) return ": it is escaped PEM, as nginx and others forward it";
  if (/^:.*:$/s.test(text)) return ": it is an RFC 9440 byte sequence";
  if (/^[\da-f]{2}(:?[\da-f]{2}){19,31}$/i.test(text)) return ": it is a hexadecimal fingerprint";
  if (isThumbprint(text)) return ": it is a bare thumbprint, to be passed as { thumbprint }";
  if (text.includes(",")) return ": it is a list";
  return text.startsWith("(") || text.startsWith("{") ? ": it is a placeholder for no certificate" : "";
}

function malformed(detail: string): AccessTokenError {
  return new AccessTokenError("ERR_CERTIFICATE_MALFORMED", { detail });
}
