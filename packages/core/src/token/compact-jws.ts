import { decodeBase64url } from "../values/base64url.ts";
import { rejected } from "../errors.ts";
import { isJsonObject, type JsonObject, ownMember } from "../values/json-object.ts";

/** A parsed compact JWS. Its header and claims are not verified. */
export interface CompactJws {
  readonly token: string;
  /** `alg` of the protected header, verbatim. */
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: unknown;
  readonly unverifiedClaims: JsonObject;
}

/** The maximum length of an access token, in characters. */
export const MAX_TOKEN_LENGTH = 16_384;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses a compact JWS strictly: not longer than {@link MAX_TOKEN_LENGTH}, with three parts in canonical base64url, of which
 * the first two are JSON objects in UTF-8.
 *
 * Rejects every `crit`, because extensions are not supported (RFC 7515 section 4.1.11), and every `b64` except `true` (RFC 7797
 * section 7). Uses the last member if a name is duplicated. The signature and the claims are not checked.
 *
 * @throws AccessTokenError `ERR_TOKEN_MALFORMED`, or `ERR_TOKEN_ALGORITHM` if `alg` is not a string
 */
export function parseCompactJws(token: string): CompactJws {
  if (token.length > MAX_TOKEN_LENGTH)
    throw rejected("ERR_TOKEN_MALFORMED", `the token is longer than ${MAX_TOKEN_LENGTH} characters`);
  const parts = token.split(".", 6);
  if (parts.length === 5)
    throw rejected("ERR_TOKEN_MALFORMED", "the token has five parts, but encrypted tokens (JWE) are not supported");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3)
    throw rejected("ERR_TOKEN_MALFORMED", "the token does not have three parts separated by periods (opaque token?)");
  if (decodeBase64url(signature) === undefined)
    throw rejected("ERR_TOKEN_MALFORMED", "the signature is not canonical base64url");
  const parsed = parseJsonPart(header, "header");
  if (Object.hasOwn(parsed, "crit"))
    throw rejected("ERR_TOKEN_MALFORMED", "the header has crit, but no extension is supported");
  if (Object.hasOwn(parsed, "b64") && parsed.b64 !== true)
    throw rejected("ERR_TOKEN_MALFORMED", "b64 of the header is not true");
  const keyId = ownMember(parsed, "kid");
  if (keyId !== undefined && typeof keyId !== "string")
    throw rejected("ERR_TOKEN_MALFORMED", "kid of the header is not a string");
  const unverifiedClaims = parseJsonPart(payload, "payload");
  const algorithm = ownMember(parsed, "alg");
  if (typeof algorithm !== "string") {
    throw rejected("ERR_TOKEN_ALGORITHM", "alg of the header is missing or not a string");
  }
  return { token, algorithm, keyId, type: ownMember(parsed, "typ"), unverifiedClaims };
}

/** Returns the unverified `iss` of a token, or undefined if its payload cannot be read. Other parts are not checked. */
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
    // The original error is dropped, because its message quotes the input.
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
