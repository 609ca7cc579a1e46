import { Buffer } from "node:buffer";

/**
 * Changes one bit of the last part of a token, its signature; of an opaque token, of what follows its last period. Characters
 * that are not base64url are lost. An empty part stays empty.
 */
export function damagedToken(token: string): string {
  const start = token.lastIndexOf(".") + 1;
  const bytes = Buffer.from(token.slice(start), "base64url");
  // The first byte: of the last ones, some encodings hold less than eight bits.
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return token.slice(0, start) + bytes.toString("base64url");
}
