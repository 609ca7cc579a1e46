import { MAX_TOKEN_LENGTH } from "@certbound/core/internal";
import type { Cause } from "./cause.ts";

const codes = ["ERR_TOKEN_MALFORMED"] as const;

const onTheWire = "an Authorization header that holds it is answered with 400 (ERR_REQUEST_MALFORMED) before that";

/** Why a text is no JWT. */
export const tokenCauses: readonly Cause[] = [
  {
    id: "token-empty",
    codes,
    applies: ({ token }) => token.text.trim() === "",
    reason: "the token is empty: a variable that is not set, or a file that was never written",
    fix: "see where the token comes from",
  },
  {
    id: "token-undefined",
    codes,
    applies: ({ token }) =>
      /^(?:bearer )?(?:undefined|null|nan|none|nil|false|\[object \w+\])$/i.test(token.text.trim()),
    reason: "the token is the word that a program writes for a value that it does not have",
    fix: "see where the client takes the token from: the token response has it in access_token",
  },
  {
    id: "token-placeholder",
    codes,
    applies: ({ token }) => /^(?:\$\{?\w+\}?|<[^<>]*>|\{\{[^{}]*\}\}|%\w+%)$/.test(token.text.trim()),
    reason: "the token is a placeholder that was not replaced",
    fix: "see why the variable is not expanded: single quotes in a shell, a template that was not filled",
  },
  {
    id: "token-in-json",
    codes,
    applies: ({ token }) => /^\s*[{[]/.test(token.text),
    reason: "the text is JSON, most likely the whole token response",
    fix: "take the member access_token out of it",
  },
  {
    id: "token-with-scheme",
    codes,
    applies: ({ token }) => /^\s*(?:authorization:|(?:bearer|dpop)\s)/i.test(token.text),
    reason: `"Bearer", or the whole header, is part of the token; ${onTheWire}`,
    fix: "send the scheme once: Authorization: Bearer <token>",
  },
  {
    id: "token-in-quotes",
    codes,
    applies: ({ token }) => /^\s*["'`]|["'`]\s*$/.test(token.text),
    reason: "there are quotes around the token",
    fix: "take them off: jq -r instead of jq, or no quotes in the file",
  },
  {
    id: "token-percent-encoded",
    codes,
    applies: ({ token }) => /%[\da-f]{2}/i.test(token.text),
    reason: "the token is percent-encoded, as in a query or a form",
    fix: "decode it before it is put into the Authorization header",
  },
  {
    id: "token-with-line-breaks",
    codes,
    applies: ({ token }) => /\s|\\n|\\r/.test(token.text),
    reason: `there is white space or a line break within the token; ${onTheWire}`,
    fix: "store it in one line: no copying from a terminal that wraps, base64 -w0, printf instead of a here-document",
  },
  {
    id: "token-too-long",
    codes,
    applies: ({ token }) => token.text.length > MAX_TOKEN_LENGTH,
    reason: `the token is longer than any that is accepted: ${MAX_TOKEN_LENGTH} characters`,
    fix: "have the issuer put less into it, such as groups; Node.js limits all headers together to 16 KiB",
  },
  {
    id: "token-encrypted",
    codes,
    applies: ({ token }) => token.parts.length === 5,
    reason: "it is an encrypted token (JWE): only who has the key can read it",
    fix: "have the issuer send this API signed tokens (JWS), or ask it about them: introspection",
  },
  {
    id: "token-with-critical-extension",
    codes,
    applies: ({ token }) => Object.hasOwn(token.header ?? {}, "crit") || Object.hasOwn(token.header ?? {}, "b64"),
    reason: "its header demands an extension (crit, b64) that is not understood here",
    fix: "have the issuer send plain JWTs",
  },
  {
    id: "token-truncated",
    codes,
    applies: ({ token }) => token.text.startsWith("ey") && (token.parts.length < 3 || /\.\.\.$|…$/.test(token.text)),
    reason: "it begins like a JWT and has not all of its three parts: it was cut off",
    fix: "see how it was copied, and whether a column, a cookie or a log line is too short for it",
  },
  {
    id: "token-opaque",
    codes,
    applies: ({ token }) => token.parts.length !== 3,
    reason: "it is no JWT: an opaque access token, or a refresh token, which is for the issuer only",
    fix: "if it is the access token: have the issuer send JWTs for this API, or configure introspection",
  },
  {
    id: "token-standard-base64",
    codes,
    applies: ({ token }) => /[+/=]/.test(token.text),
    reason: "its parts are base64 with + or / or padding, not base64url",
    fix: "have the issuer, or what passes the token on, write base64url without padding (RFC 7515 section 2)",
  },
  {
    id: "token-garbled",
    codes,
    reason: "it has three parts, and they are not what a JWT consists of: changed or cut off on the way",
    fix: "get a new token, and compare it with what arrives",
  },
];
