import { KeyObject } from "node:crypto";
import type { CryptoKey } from "jose";
import { assertKnownOptions } from "../known-options.ts";
import { chooseAlgorithm, signBytes } from "./signature-algorithm.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";

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

/** Writes the first two parts of a compact JWS: what the signature is made over (RFC 7515 section 5.1). */
export function signingInput(header: unknown, payload: unknown): string {
  return `${encodePart(header)}.${encodePart(payload)}`;
}

/** Completes a compact JWS by a signature over the first two parts. */
export function signInput(input: string, algorithm: SignatureAlgorithm, key: KeyObject): string {
  return `${input}.${signBytes(Buffer.from(input), algorithm, key).toString("base64url")}`;
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

/** Text and bytes are taken verbatim; anything else is written as JSON. */
function encodePart(part: unknown): string {
  if (part instanceof Uint8Array) return Buffer.from(part).toString("base64url");
  // JSON.stringify gives undefined for undefined, functions and symbols, which its type does not say
  const text = typeof part === "string" ? part : (JSON.stringify(part) as string | undefined);
  if (text === undefined) throw new TypeError("A part of the token cannot be written as JSON");
  return Buffer.from(text).toString("base64url");
}

/**
 * Splits a compact JWS into its three parts, which stay encoded.
 *
 * @throws TypeError when there are not exactly three
 */
function splitToken(token: string): readonly [string, string, string] {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    throw new TypeError("The token does not have three parts");
  }
  return [header, payload, signature];
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
