import { KeyObject } from "node:crypto";
import type { CryptoKey } from "jose";
import { assertKnownOptions } from "../known-options.ts";
import { chooseAlgorithm, signBytes } from "./signature-algorithm.ts";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";

/** The parts of a forged token. */
export interface ForgedTokenParts {
  /** Serialised as JSON, except strings and bytes, which are used verbatim; then encoded as base64url. */
  readonly header: unknown;
  /** Serialised as JSON, except strings and bytes, which are used verbatim; then encoded as base64url. */
  readonly payload: unknown;
  /** The third part: a string is used verbatim, bytes are encoded as base64url. Cannot be combined with `key`. */
  readonly signature?: string | Uint8Array;
  /**
   * Signs the first two parts: a private key, or a secret key for HMAC. Uses the header's `alg` if it fits the key type (EC:
   * any curve), otherwise the key's default algorithm. Cannot be combined with `signature`.
   */
  readonly key?: CryptoKey | KeyObject;
}

/** Returns the first two parts of a compact JWS, which are the signing input (RFC 7515 section 5.1). */
export function signingInput(header: unknown, payload: unknown): string {
  return `${encodePart(header)}.${encodePart(payload)}`;
}

/** Appends the signature to the first two parts of a compact JWS. */
export function signInput(input: string, algorithm: SignatureAlgorithm, key: KeyObject): string {
  return `${input}.${signBytes(Buffer.from(input), algorithm, key).toString("base64url")}`;
}

/**
 * Creates a compact JWS from any header, payload and signature. Without a key or a signature, the third part is empty.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#forgeToken -->
 * ```ts
 * const token = forgeToken({
 *   header: { alg: "none", typ: "at+jwt" },
 *   payload: { iss: kit.issuer.issuer, aud: kit.issuer.audience, cnf: { "x5t#S256": client.thumbprint } },
 * });
 *
 * const { status } = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
 * assert.equal(status, 401);
 * ```
 *
 * @throws TypeError for unknown parts, for both a key and a signature, or for a key that cannot sign
 */
export function forgeToken(parts: ForgedTokenParts): string {
  assertKnownOptions(parts, ["header", "payload", "signature", "key"]);
  const { header, payload, signature, key } = parts;
  const input = signingInput(header, payload);
  if (key === undefined) return `${input}.${encodeSignature(signature ?? "")}`;
  if (signature !== undefined) throw new TypeError("key and signature cannot be combined");
  const keyObject = key instanceof KeyObject ? key : KeyObject.from(key);
  return signInput(input, chooseAlgorithm(keyObject, algorithmOf(header)), keyObject);
}

/**
 * Flips one bit of a token's signature, which remains canonical base64url.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#tamperSignature -->
 * ```ts
 * const token = await kit.accessToken({ boundTo: client });
 * const tampered = tamperSignature(token);
 *
 * const { status } = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token: tampered });
 * assert.equal(status, 401);
 * ```
 *
 * @throws TypeError for a token that does not have three parts, or has an empty signature
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
 * Merges claims into a token's payload and keeps the signature, which becomes invalid if the payload changes.
 *
 * Removes the claims that are undefined.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#tamperPayload -->
 * ```ts
 * const token = await kit.accessToken({ boundTo: client, claims: { scope: "read" } });
 * const tampered = tamperPayload(token, { scope: "read write" });
 *
 * const { status } = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token: tampered });
 * assert.equal(status, 401);
 * ```
 *
 * @throws TypeError for a token that does not have three parts
 * @throws SyntaxError for a payload that is not JSON
 */
export function tamperPayload(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, payload, signature] = splitToken(token);
  const original: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
  const [, changed] = signingInput({}, Object.assign({}, original, claims)).split(".");
  return `${header}.${changed}.${signature}`;
}

/** Encodes a part as base64url. Values other than strings and bytes are first serialised as JSON. */
function encodePart(part: unknown): string {
  if (part instanceof Uint8Array) return Buffer.from(part).toString("base64url");
  // JSON.stringify returns undefined for undefined, functions and symbols, contrary to its type.
  const text = typeof part === "string" ? part : (JSON.stringify(part) as string | undefined);
  if (text === undefined) throw new TypeError("A part of the token cannot be serialised as JSON");
  return Buffer.from(text).toString("base64url");
}

/**
 * Splits a compact JWS into its three parts, which stay encoded.
 *
 * @throws TypeError for a token that does not have three parts
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
    // A header that is not JSON has no `alg`.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
