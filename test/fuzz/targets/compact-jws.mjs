import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { parseCompactJws } from "../../../packages/core/dist/token/compact-jws.js";
import { outcomeOf } from "../outcome.mjs";

/**
 * The structure of a token: accepts, rejects and parses tokens according to RFC 7515, as implemented here a second time.
 *
 * The input is a token. If it starts with a brace, it is the header and the payload of a token, one per line.
 *
 * @param {Buffer} data
 */
export function fuzz(data) {
  const token = data[0] === 0x7b ? tokenOf(data) : data.toString("latin1");
  const expected = readToken(token);
  const outcome = outcomeOf(() => parseCompactJws(token));
  assert.equal(outcome, typeof expected === "string" ? expected : "accepted");
  if (typeof expected !== "string") assert.deepEqual(parseCompactJws(token), expected);
}

/** @param {Buffer} data */
function tokenOf(data) {
  const end = data.indexOf("\n");
  const parts = end < 0 ? [data] : [data.subarray(0, end), data.subarray(end + 1)];
  return [...parts.map((part) => part.toString("base64url")), "AAAA"].join(".");
}

// Groups of four characters, then one or two bytes whose last character has no stray bits.
const canonical = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;

/** @param {string} token */
function readToken(token) {
  const parts = token.split(".");
  const isWellFormed = token.length <= 16_384 && parts.length === 3 && parts.every((part) => canonical.test(part));
  const [header, payload] = parts.map(readObject);
  if (!isWellFormed || header === undefined || payload === undefined) return "ERR_TOKEN_MALFORMED";
  const members = new Map(Object.entries(header));
  const isRejected =
    members.has("crit") ||
    (members.has("b64") && members.get("b64") !== true) ||
    (members.has("kid") && typeof members.get("kid") !== "string");
  if (isRejected) return "ERR_TOKEN_MALFORMED";
  const algorithm = members.get("alg");
  if (typeof algorithm !== "string") return "ERR_TOKEN_ALGORITHM";
  return { token, algorithm, keyId: members.get("kid"), type: members.get("typ"), unverifiedClaims: payload };
}

/**
 * @param {string} part
 * @returns {object | undefined}
 */
function readObject(part) {
  const bytes = Buffer.from(part, "base64url");
  if (!isUtf8(bytes)) return undefined;
  try {
    /** @type {unknown} */
    const value = JSON.parse(bytes.toString());
    return Object.prototype.toString.call(value) === "[object Object]" ? Object(value) : undefined;
  } catch {
    return undefined;
  }
}
