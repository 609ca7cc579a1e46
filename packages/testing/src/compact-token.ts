import type { KeyObject } from "node:crypto";
import { signBytes } from "./signature-algorithm.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";

/** Writes the first two parts of a compact JWS: what the signature is made over (RFC 7515 section 5.1). */
export function signingInput(header: unknown, payload: unknown): string {
  return `${encodePart(header)}.${encodePart(payload)}`;
}

/** Completes a compact JWS by a signature over the first two parts. */
export function signInput(input: string, algorithm: SignatureAlgorithm, key: KeyObject): string {
  return `${input}.${signBytes(Buffer.from(input), algorithm, key).toString("base64url")}`;
}

/**
 * Splits a compact JWS into its three parts, which stay encoded.
 *
 * @throws TypeError when there are not exactly three
 */
export function splitToken(token: string): readonly [string, string, string] {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    throw new TypeError("The token does not have three parts");
  }
  return [header, payload, signature];
}

/** Text and bytes are taken verbatim; anything else is written as JSON. */
function encodePart(part: unknown): string {
  if (part instanceof Uint8Array) return Buffer.from(part).toString("base64url");
  // JSON.stringify gives undefined for undefined, functions and symbols, which its type does not say
  const text = typeof part === "string" ? part : (JSON.stringify(part) as string | undefined);
  if (text === undefined) throw new TypeError("A part of the token cannot be written as JSON");
  return Buffer.from(text).toString("base64url");
}
