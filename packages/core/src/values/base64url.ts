import { Buffer } from "node:buffer";

/**
 * Decodes canonical base64url (RFC 7515 section 2): without padding, line breaks, white space, or stray bits after the last
 * byte; undefined for other text.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  // Encoding the result again is a faster check than a regular expression.
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
