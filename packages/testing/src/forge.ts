import { KeyObject } from "node:crypto";
import type { CryptoKey } from "jose";
import { signingInput, signInput, splitToken } from "./compact-token.ts";
import { assertKnownOptions } from "./known-options.ts";
import { chooseAlgorithm } from "./signature-algorithm.ts";

/** Gives the parts of a token that no issuer would make. */
export interface ForgedTokenParts {
  /** Written as JSON, except that a string or bytes are taken verbatim as the text of this part. */
  readonly header: unknown;
  /** Written as JSON, except that a string or bytes are taken verbatim as the text of this part. */
  readonly payload: unknown;
  /** The third part: a string verbatim, bytes as base64url. Excludes `key`. */
  readonly signature?: string | Uint8Array;
  /**
   * Signs the first two parts: a private key, or a secret key for HMAC. It signs by the header's `alg`
   * if it can, otherwise as keys of its type usually do. Excludes `signature`.
   */
  readonly key?: CryptoKey | KeyObject;
}

/**
 * Writes a compact JWS of any bytes; without a key and a signature its third part is empty.
 *
 * @throws TypeError for unknown parts, for both a key and a signature, or for a key that cannot sign
 */
export function forgeToken(parts: ForgedTokenParts): string {
  assertKnownOptions(parts, ["header", "payload", "signature", "key"]);
  const { header, payload, signature, key } = parts;
  const input = signingInput(header, payload);
  if (key === undefined) return `${input}.${encodeSignature(signature ?? "")}`;
  if (signature !== undefined) throw new TypeError("Give a key or a signature, not both");
  const keyObject = key instanceof KeyObject ? key : KeyObject.from(key);
  return signInput(input, chooseAlgorithm(keyObject, algorithmOf(header)), keyObject);
}

/**
 * Changes one bit of a token's signature; the text remains canonical base64url.
 *
 * @throws TypeError for a token that is not three parts, or is not signed
 */
export function tamperSignature(token: string): string {
  const [header, payload, signature] = splitToken(token);
  const bytes = Buffer.from(signature, "base64url");
  const last = bytes.at(-1);
  if (last === undefined) throw new TypeError("The token has no signature");
  bytes.writeUInt8(last ^ 1, bytes.length - 1);
  return `${header}.${payload}.${bytes.toString("base64url")}`;
}

/**
 * Merges claims into a token's payload and keeps the signature, which does not fit a payload that changed.
 *
 * A claim given as undefined is removed.
 *
 * @throws TypeError for a token that is not three parts
 * @throws SyntaxError for a payload that is not JSON
 */
export function tamperPayload(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, payload, signature] = splitToken(token);
  const original: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
  const [, changed] = signingInput({}, Object.assign({}, original, claims)).split(".");
  return `${header}.${changed}.${signature}`;
}

function encodeSignature(signature: string | Uint8Array): string {
  return typeof signature === "string" ? signature : Buffer.from(signature).toString("base64url");
}

function algorithmOf(header: unknown): unknown {
  const value = typeof header === "string" ? parseJson(header) : header;
  return typeof value === "object" && value !== null && "alg" in value ? value.alg : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // a header that is not JSON names no algorithm
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
