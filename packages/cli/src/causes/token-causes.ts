import {
  defaultTokenTypes,
  foreignClaims,
  MAX_TOKEN_LENGTH,
  normaliseTokenType,
  profiles,
  signatureAlgorithms,
} from "@certbound/core/internal";
import { printableValue } from "../rendering/printable.ts";
import { type Cause, claimOf, type Facts, textOf } from "./cause.ts";

const malformed = ["ERR_TOKEN_MALFORMED"] as const;

const onTheWire = "an Authorization header that holds it is answered with 400 (ERR_REQUEST_MALFORMED) before that";

/** What core accepts where the binding is required; RFC 7519 section 5.1 recommends the capitals. */
const usualTypes = [...defaultTokenTypes(true)].map((one) => (one === "jwt" ? "JWT" : one));

/** Why a text is no JWT, and why its algorithm or type are rejected. */
export const tokenCauses: readonly Cause[] = [
  {
    id: "token-empty",
    codes: malformed,
    applies: ({ token }) => token.text.trim() === "",
    reason: "the token is empty: a variable that is not set, or a file that was never written",
    fix: "see where the token comes from",
  },
  {
    id: "token-undefined",
    codes: malformed,
    applies: ({ token }) =>
      /^(?:bearer )?(?:undefined|null|nan|none|nil|false|\[object \w+\])$/i.test(token.text.trim()),
    reason: "the token is the word that a program writes for a value that it does not have",
    fix: "see where the client takes the token from: the token response has it in access_token",
  },
  {
    id: "token-placeholder",
    codes: malformed,
    applies: ({ token }) => /^(?:\$\{?\w+\}?|<[^<>]*>|\{\{[^{}]*\}\}|%\w+%)$/.test(token.text.trim()),
    reason: "the token is a placeholder that was not replaced",
    fix: "see why the variable is not expanded: single quotes in a shell, a template that was not filled",
  },
  {
    id: "token-in-json",
    codes: malformed,
    applies: ({ token }) => /^\s*[{[]/.test(token.text),
    reason: "the text is JSON, most likely the whole token response",
    fix: "take the member access_token out of it",
  },
  {
    id: "token-with-scheme",
    codes: malformed,
    applies: ({ token }) => /^\s*(?:authorization:|(?:bearer|dpop)\s)/i.test(token.text),
    reason: `"Bearer", or the whole header, is part of the token; ${onTheWire}`,
    fix: "send the scheme once: Authorization: Bearer <token>",
  },
  {
    id: "token-in-quotes",
    codes: malformed,
    applies: ({ token }) => /^\s*["'`]|["'`]\s*$/.test(token.text),
    reason: "there are quotes around the token",
    fix: "take them off: jq -r instead of jq, or no quotes in the file",
  },
  {
    id: "token-percent-encoded",
    codes: malformed,
    applies: ({ token }) => /%[\da-f]{2}/i.test(token.text),
    reason: "the token is percent-encoded, as in a query or a form",
    fix: "decode it before it is put into the Authorization header",
  },
  {
    id: "token-with-line-breaks",
    codes: malformed,
    applies: ({ token }) => /\s|\\n|\\r/.test(token.text),
    reason: `there is white space or a line break within the token; ${onTheWire}`,
    fix: "store it in one line: no copying from a terminal that wraps, base64 -w0, printf instead of a here-document",
  },
  {
    id: "token-too-long",
    codes: malformed,
    applies: ({ token }) => token.text.length > MAX_TOKEN_LENGTH,
    reason: `the token is longer than any that is accepted: ${MAX_TOKEN_LENGTH} characters`,
    fix: "have the issuer put less into it, such as groups; Node.js limits all headers together to 16 KiB",
  },
  {
    id: "token-encrypted",
    codes: malformed,
    applies: ({ token }) => token.parts.length === 5,
    reason: "it is an encrypted token (JWE): only who has the key can read it",
    fix: "have the issuer send this API signed tokens (JWS), or ask it about them: introspection",
  },
  {
    id: "token-with-critical-extension",
    codes: malformed,
    applies: ({ token }) => Object.hasOwn(token.header ?? {}, "crit") || Object.hasOwn(token.header ?? {}, "b64"),
    reason: "its header demands an extension (crit, b64) that is not understood here",
    fix: "have the issuer send plain JWTs",
  },
  {
    id: "token-truncated",
    codes: malformed,
    applies: ({ token }) => token.text.startsWith("ey") && (token.parts.length < 3 || /\.\.\.$|…$/.test(token.text)),
    reason: "it begins like a JWT and has not all of its three parts: it was cut off",
    fix: "see how it was copied, and whether a column, a cookie or a log line is too short for it",
  },
  {
    id: "token-opaque",
    codes: malformed,
    applies: ({ token }) => token.parts.length !== 3,
    reason: "it is no JWT: an opaque access token, or a refresh token, which is for the issuer only",
    fix: "if it is the access token: have the issuer send JWTs for this API, or configure introspection",
  },
  {
    id: "token-standard-base64",
    codes: malformed,
    applies: ({ token }) => /[+/=]/.test(token.text),
    reason: "its parts are base64 with + or / or padding, not base64url",
    fix: "have the issuer, or what passes the token on, write base64url without padding (RFC 7515 section 2)",
  },
  {
    id: "token-garbled",
    codes: malformed,
    reason: "it has three parts, and they are not what a JWT consists of: changed or cut off on the way",
    fix: "get a new token, and compare it with what arrives",
  },
  {
    id: "algorithm-none",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => /^none$/i.test(textOf(algorithm(facts))),
    reason: 'its alg is "none": it is not signed, and anybody can write such a token',
    fix: "never accept it; find out who sends it",
  },
  {
    id: "algorithm-symmetric",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => /^HS\d+$/i.test(textOf(algorithm(facts))),
    reason: "it is signed with a secret that issuer and API would share (HMAC): whoever can verify it can forge it",
    fix: "have the issuer sign with a key pair, such as ES256 or PS256",
  },
  {
    id: "algorithm-missing",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => typeof algorithm(facts) !== "string",
    reason: "its header has no alg",
    fix: "see what made it: no issuer does",
  },
  {
    id: "algorithm-not-configured",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => Object.hasOwn(signatureAlgorithms, textOf(algorithm(facts))),
    reason: (facts) => `the algorithm is sound, and ${restriction(facts)} does not permit it`,
    fix: (facts) =>
      `add it to algorithms, or have the issuer sign with ${facts.rules.algorithms?.join(" or ") ?? "PS256, ES256 or EdDSA"}`,
  },
  {
    id: "algorithm-unknown",
    codes: ["ERR_TOKEN_ALGORITHM"],
    reason: "it is signed with an algorithm that is not known here",
    fix: "have the issuer sign with one that is accepted, such as ES256 or PS256",
  },
  {
    id: "dpop-proof",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => /dpop\+jwt/i.test(textOf(type(facts))),
    reason: "it is a DPoP proof, which a client makes itself; not an access token",
    fix: "send the access token",
  },
  {
    id: "refresh-token",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) =>
      /refresh|^rt\+jwt$/i.test(textOf(type(facts))) || /refresh/i.test(textOf(claimOf(facts, "typ"))),
    reason: "it is a refresh token, which is for the issuer only",
    fix: "send access_token of the token response, not refresh_token",
  },
  {
    id: "security-event",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => claimOf(facts, "events") !== undefined || /logout|secevent/i.test(textOf(type(facts))),
    reason: "it is a logout token or another security event, not an access token",
    fix: "send the access token",
  },
  {
    id: "id-token",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) =>
      foreignClaims.some((name) => claimOf(facts, name) !== undefined) || /^id[-_]?token/i.test(textOf(type(facts))),
    reason: "it is an ID token: it tells the client who the user is, and gives access to nothing",
    fix: "send access_token of the token response, not id_token",
  },
  {
    id: "type-generic",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => type(facts) === undefined || normaliseTokenType(textOf(type(facts))) === "jwt",
    reason: (facts) =>
      `its typ is that of any JWT, and ${facts.rules.profile === undefined ? "tokenTypes" : `the profile ${facts.rules.profile}`} demands ${acceptedTypes(facts)}`,
    fix: 'have the issuer send typ "at+jwt" (RFC 9068 section 2.1), or write "JWT" into tokenTypes where the profile permits it',
  },
  {
    id: "type-not-accepted",
    codes: ["ERR_TOKEN_TYPE"],
    reason: (facts) => `its typ is ${printableValue(type(facts))}, and accepted are ${acceptedTypes(facts)}`,
    fix: "if this is what the issuer calls its access tokens, add it to tokenTypes",
  },
];

/** The types that are accepted, in words. */
export function acceptedTypes({ rules }: Facts): string {
  const types = rules.tokenTypes ?? (rules.profile && profiles[rules.profile].tokenTypes) ?? usualTypes;
  return types.map((one) => one ?? "none").join(", ");
}

function restriction({ rules }: Facts): string {
  return rules.algorithms === undefined ? `the profile ${String(rules.profile)}` : "the option algorithms";
}

function algorithm({ token }: Facts): unknown {
  return token.header?.["alg"];
}

function type({ token }: Facts): unknown {
  return token.header?.["typ"];
}
