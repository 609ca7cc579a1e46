import { decodeBase64url } from "../values/base64url.ts";
import { rejected } from "../errors.ts";
import { isJsonObject, type JsonObject, ownMember } from "../values/json-object.ts";

/** A compact JWS whose shape was checked, and nothing else: header and claims are what the sender wrote. */
export interface CompactJws {
  readonly token: string;
  /** The protected header's `alg`, verbatim. */
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: unknown;
  readonly unverifiedClaims: JsonObject;
}

/** The longest access token that is looked at, in characters. */
export const MAX_TOKEN_LENGTH = 16_384;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Checks the shape of a compact JWS strictly: size, three canonical base64url parts, two JSON objects in UTF-8.
 *
 * Neither the signature nor any claim is checked. Every `crit` is rejected, since no extension is understood here (RFC 7515
 * section 4.1.11), and so is `b64: false`, with or without it (RFC 7797 section 7). Of duplicate members the last one
 * counts.
 *
 * @throws AccessTokenError `ERR_TOKEN_MALFORMED`, or `ERR_TOKEN_ALGORITHM` when `alg` is not a string
 */
export function parseCompactJws(token: string): CompactJws {
  if (token.length > MAX_TOKEN_LENGTH)
    throw rejected("ERR_TOKEN_MALFORMED", `it is longer than ${MAX_TOKEN_LENGTH} characters`);
  const parts = token.split(".", 6);
  if (parts.length === 5)
    throw rejected("ERR_TOKEN_MALFORMED", "it has five parts: an encrypted token (JWE) is not accepted");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3)
    throw rejected("ERR_TOKEN_MALFORMED", "it does not have three parts separated by periods: an opaque token?");
  if (decodeBase64url(signature) === undefined)
    throw rejected("ERR_TOKEN_MALFORMED", "the signature is not canonical base64url");
  const parsed = parseJsonPart(header, "header");
  if (Object.hasOwn(parsed, "crit"))
    throw rejected("ERR_TOKEN_MALFORMED", "the header has crit, and no extension is understood here");
  if (Object.hasOwn(parsed, "b64") && parsed.b64 !== true)
    throw rejected("ERR_TOKEN_MALFORMED", "the header has b64, which a JWT may not use");
  const keyId = ownMember(parsed, "kid");
  if (keyId !== undefined && typeof keyId !== "string")
    throw rejected("ERR_TOKEN_MALFORMED", "the kid of the header is not a string");
  const unverifiedClaims = parseJsonPart(payload, "payload");
  const algorithm = ownMember(parsed, "alg");
  if (typeof algorithm !== "string") {
    throw rejected("ERR_TOKEN_ALGORITHM", "the alg of the header is missing or not a string");
  }
  return { token, algorithm, keyId, type: ownMember(parsed, "typ"), unverifiedClaims };
}

/** Reads the `iss` that a token with three parts claims, however malformed the token is; undefined when it claims none. */
export function claimedIssuer(token: string): unknown {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    return ownMember(parseJsonPart(token.split(".", 2)[1] ?? "", "payload"), "iss");
  } catch {
    return undefined;
  }
}

/**
 * Parses bytes as a JSON object in UTF-8 (RFC 8725 section 3.7).
 *
 * @throws AccessTokenError `ERR_TOKEN_MALFORMED`
 */
export function parseJsonObject(bytes: Uint8Array, part: "header" | "payload"): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8.decode(bytes));
  } catch {
    // The text of both errors quotes the input.
    throw rejected("ERR_TOKEN_MALFORMED", `the ${part} is not JSON in UTF-8`);
  }
  if (!isJsonObject(parsed)) throw rejected("ERR_TOKEN_MALFORMED", `the ${part} is not a JSON object`);
  return parsed;
}

function parseJsonPart(part: string, name: "header" | "payload"): JsonObject {
  const bytes = decodeBase64url(part);
  if (bytes === undefined || bytes.length === 0)
    throw rejected("ERR_TOKEN_MALFORMED", `the ${name} is not canonical base64url`);
  return parseJsonObject(bytes, name);
}
