import { Buffer } from "node:buffer";
import { AccessTokenError } from "./errors.ts";
import { isThumbprint } from "./thumbprint.ts";

const PEM_BEGIN = "-----BEGIN CERTIFICATE-----";
const PEM_END = "-----END CERTIFICATE-----";

/**
 * Decodes a certificate from text: PEM, of which the first block counts, or canonical base64 DER.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function derFromText(text: string): Buffer {
  const trimmed = text.trim();
  // Another block may follow, which is no leaf and plays no part.
  const [leaf = ""] = trimmed.startsWith(PEM_BEGIN) ? pemBodies(trimmed, "line feeds") : [trimmed];
  return derFromBase64(leaf);
}

/**
 * Decodes canonical base64 (RFC 4648 section 4) and nothing else: no white space, padded, no stray bits.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function derFromBase64(text: string): Buffer {
  // Canonical or nothing: Buffer.from skips what it does not know, and would hash it happily.
  const der = Buffer.from(text, "base64");
  if (der.length === 0 || der.toString("base64") !== text) {
    throw malformed(`the text is not canonical base64 DER${looksLike(text)}`);
  }
  return der;
}

/**
 * Splits PEM text into the base64 of its blocks, of which there may be nothing before, between and after.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function pemBodies(text: string, lineBreaks: "line feeds" | "spaces"): readonly string[] {
  const bodies: string[] = [];
  for (let rest = text.trim(); rest !== "";) {
    if (!rest.startsWith(PEM_BEGIN)) throw malformed(`the text is not PEM, or not only PEM${looksLike(text)}`);
    const end = rest.indexOf(PEM_END);
    if (end < 0) throw malformed("the PEM text has no END line: truncated?");
    const body = rest.slice(PEM_BEGIN.length, end);
    const lines = lineBreaks === "spaces" ? body.split(" ") : body.split(/\r?\n/);
    if (lines[0] !== "" || lines.length === 1)
      throw malformed(`the lines of the PEM text are not separated by ${lineBreaks}`);
    bodies.push(lines.join(""));
    rest = rest.slice(end + PEM_END.length).trimStart();
  }
  return bodies;
}

/**
 * Checks that bytes are one DER element, as far as that can be told from its outer header.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_MALFORMED`
 */
export function assertOneDerElement(der: Buffer): void {
  const length = outerLength(der);
  if (length === der.length) return;
  if (length === undefined) throw malformed(`the bytes are not a DER certificate${bytesLookLike(der)}`);
  throw malformed(
    length > der.length
      ? `the certificate is truncated: ${der.length} of ${length} bytes`
      : `something follows the certificate: ${der.length - length} bytes`,
  );
}

/** How long a SEQUENCE with a definite, minimal length says it is, its header included. */
function outerLength(der: Buffer): number | undefined {
  const [tag, short = 0] = der;
  if (tag !== 0x30) return undefined;
  if (short < 0x80) return 2 + short;
  const count = short & 0x7f;
  if (count === 0 || count > 4 || der.length < 2 + count) return undefined;
  const length = der.readUIntBE(2, count);
  const minimal = count === 1 ? length >= 0x80 : der[2] !== 0;
  return minimal ? 2 + count + length : undefined;
}

function bytesLookLike(der: Buffer): string {
  const text = der.toString("latin1", 0, PEM_BEGIN.length);
  return text === PEM_BEGIN ? ": they are PEM text, to be passed as a string" : "";
}

/** Names the format that a text looks like, for the operator. */
export function looksLike(text: string): string {
  if (text.startsWith(PEM_BEGIN)) return ": it looks like PEM";
  if (/^-----BEGIN(?:%20|\+)/.test(text)) return ": it looks like escaped PEM, as nginx and others forward it";
  if (/^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i.test(text)) return ": it looks like Envoy's x-forwarded-client-cert";
  if (/^:[^:]*:$/.test(text)) return ": it looks like an RFC 9440 byte sequence";
  if (/^(?:[\da-f]{2}:?){19}[\da-f]{2}$/i.test(text)) return ": it looks like a SHA-1 fingerprint, which binds nothing";
  if (/^(?:[\da-f]{2}:?){31}[\da-f]{2}$/i.test(text)) return ": it looks like a hexadecimal SHA-256 fingerprint";
  if (isThumbprint(text)) return ": it looks like a bare thumbprint, to be passed as { thumbprint }";
  if (/%[\da-f]{2}/i.test(text)) return ": it looks percent-encoded";
  if (text.includes(",")) return ": it looks like a list";
  return text.startsWith("(") || text.startsWith("{") ? ": it looks like a placeholder for no certificate" : "";
}

function malformed(detail: string): AccessTokenError {
  return new AccessTokenError("ERR_CERTIFICATE_MALFORMED", { detail });
}
