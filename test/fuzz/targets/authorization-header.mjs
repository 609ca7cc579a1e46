import assert from "node:assert/strict";
import { authorizationHeader, bearerToken } from "../../../packages/core/dist/http/authorization-header.js";
import { outcomeOf } from "../outcome.mjs";

/**
 * Authorization headers: reads a token only from a single header of the form `"Bearer" 1*SP token` (RFC 6750 section 2.1).
 *
 * Each line of the input is the value of one Authorization header.
 *
 * @param {Buffer} data
 */
export function fuzz(data) {
  const values = data.length === 0 ? [] : data.toString("utf8").split("\n");
  const rawHeaders = values.flatMap((value) => ["aUTHORIZATION", value, "X-Authorization", "Bearer another"]);
  const read = () => bearerToken(authorizationHeader({ rawHeaders, socket: {} }), ["bearer", "mtls"]);
  const [, token] = (values.length === 1 && /^(?:bearer|mtls) +([^\s,]+)$/i.exec(values[0] ?? "")) || [];
  assert.equal(outcomeOf(read), token === undefined ? rejectionOf(values) : "accepted");
  if (token !== undefined) assert.equal(read(), token);
}

/** @param {readonly string[]} values */
function rejectionOf(values) {
  if (values.length > 1) return "ERR_REQUEST_MALFORMED";
  return /^(?:bearer|mtls)(?:[ \t]|$)/i.test(values[0] ?? "") ? "ERR_REQUEST_MALFORMED" : "ERR_TOKEN_MISSING";
}
