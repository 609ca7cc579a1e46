import {
  defaultTokenTypes,
  foreignClaims,
  MAX_TOKEN_LENGTH,
  normaliseTokenType,
  profiles,
  signatureAlgorithms,
} from "@certbound/core/internal";
import { printableValue } from "../rendering/printable.ts";
import { type Cause, claimOf, type Facts, stringOrEmpty } from "./cause.ts";

const malformed = ["ERR_TOKEN_MALFORMED"] as const;

/** The claims that only ID tokens have. Keycloak and ForgeRock put a nonce into access tokens too. */
const idTokenClaims = foreignClaims.filter((name) => name !== "nonce" && name !== "events");

const headerRejection = "the API responds to such an Authorization header with 400 (ERR_REQUEST_MALFORMED)";

/** Core's default types if the binding is required. RFC 7519 section 5.1 recommends the spelling JWT. */
const defaultTypes = [...defaultTokenTypes(true)].map((one) => (one === "jwt" ? "JWT" : one));

/** The causes of malformed tokens, and of rejected algorithms and types. */
export const tokenCauses: readonly Cause[] = [
  {
    id: "token-empty",
    codes: malformed,
    applies: ({ token }) => token.text.trim() === "",
    reason: "the token is empty: perhaps a variable is not set, or a file was never written",
    fix: "check where the token comes from",
  },
  {
    id: "token-undefined",
    codes: malformed,
    applies: ({ token }) =>
      /^(?:bearer )?(?:undefined|null|nan|none|nil|false|\[object \w+\])$/i.test(token.text.trim()),
    reason: "the text is a converted value, such as undefined, null or [object Object], not a token",
    fix: "check where the client reads the token: it is the member access_token of the token response",
  },
  {
    id: "token-placeholder",
    codes: malformed,
    applies: ({ token }) => /^(?:\$\{?\w+\}?|<[^<>]*>|\{\{[^{}]*\}\}|%\w+%)$/.test(token.text.trim()),
    reason: "the token is a placeholder that was not replaced",
    fix: "check why the variable is not expanded: single quotes in a shell, or an unprocessed template",
  },
  {
    id: "token-in-json",
    codes: malformed,
    applies: ({ token }) => /^\s*[{[]/.test(token.text),
    reason: "the text is JSON, probably the whole token response",
    fix: "use only the value of access_token",
  },
  {
    id: "token-with-scheme",
    codes: malformed,
    applies: ({ token }) => /^\s*(?:authorization:|(?:bearer|dpop)\s)/i.test(token.text),
    reason: `the token includes "Bearer", or the whole header; ${headerRejection}`,
    fix: "send the scheme once: Authorization: Bearer <token>",
  },
  {
    id: "token-in-quotes",
    codes: malformed,
    applies: ({ token }) => /^\s*["'`]|["'`]\s*$/.test(token.text),
    reason: "the token is in quotes",
    fix: "remove the quotes: use jq -r instead of jq, or correct the file",
  },
  {
    id: "token-percent-encoded",
    codes: malformed,
    applies: ({ token }) => /%[\da-f]{2}/i.test(token.text),
    reason: "the token is percent-encoded, as in a query or a form",
    fix: "decode the token before it is sent in the Authorization header",
  },
  {
    id: "token-with-line-breaks",
    codes: malformed,
    applies: ({ token }) => /\s|\\n|\\r/.test(token.text),
    reason: `the token contains white space or a line break; ${headerRejection}`,
    fix: "store the token in one line: write it with printf instead of a here-document, or with base64 -w0 if it is encoded; do not copy it from a terminal that wraps lines",
  },
  {
    id: "token-too-long",
    codes: malformed,
    applies: ({ token }) => token.text.length > MAX_TOKEN_LENGTH,
    reason: `the token is longer than the maximum of ${MAX_TOKEN_LENGTH} characters`,
    fix: "configure the issuer to leave out large claims such as groups; Node.js limits the total size of the headers, by default to 16 KiB",
  },
  {
    id: "token-encrypted",
    codes: malformed,
    applies: ({ token }) => token.parts.length === 5,
    reason: "the token is encrypted (JWE): it can be read only with the decryption key",
    fix: "configure the issuer to issue signed tokens (JWS) for this API, or configure introspection",
  },
  {
    id: "token-with-critical-extension",
    codes: malformed,
    applies: ({ token }) => Object.hasOwn(token.header ?? {}, "crit") || Object.hasOwn(token.header ?? {}, "b64"),
    reason: "the header of the token requires an extension (crit, b64) that certbound does not support",
    fix: "configure the issuer to issue tokens without extensions",
  },
  {
    id: "token-truncated",
    codes: malformed,
    applies: ({ token }) => token.text.startsWith("ey") && (token.parts.length < 3 || /\.\.\.$|…$/.test(token.text)),
    reason: "the text starts like a JWT but does not have three complete parts: it was truncated",
    fix: "check how the token was copied, and whether a column, a cookie or a log line is too short for it",
  },
  {
    id: "token-opaque",
    codes: malformed,
    applies: ({ token }) => token.parts.length !== 3,
    reason:
      "the token is not a JWT: it is probably an opaque access token, or a refresh token, which only the issuer accepts",
    fix: "for an opaque access token, configure the issuer to issue JWTs for this API, or configure introspection",
  },
  {
    id: "token-standard-base64",
    codes: malformed,
    applies: ({ token }) => /[+/=]/.test(token.text),
    reason: "the parts of the token are base64 with +, / or padding, not base64url",
    fix: "correct the issuer, or the program that forwards the token: use base64url without padding (RFC 7515 section 2)",
  },
  {
    id: "token-garbled",
    codes: malformed,
    reason:
      "the token has three parts, but they do not form a JWT: the token was probably changed or truncated after it was issued",
    fix: "send a new token, and compare it with the text that the API receives",
  },
  {
    id: "algorithm-none",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => /^none$/i.test(stringOrEmpty(algorithm(facts))),
    reason: 'alg is "none": the token is not signed, and anyone can create such a token',
    fix: "never accept such a token; find out who sends it",
  },
  {
    id: "algorithm-symmetric",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => /^HS\d+$/i.test(stringOrEmpty(algorithm(facts))),
    reason: "the token is signed with a shared secret (HMAC): anyone who can verify it can forge it",
    fix: "configure the issuer to sign with a key pair, such as ES256 or PS256",
  },
  {
    id: "algorithm-missing",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => typeof algorithm(facts) !== "string",
    reason: "the header of the token has no alg",
    fix: "find out what created this token: a JWT must have alg (RFC 7515 section 4.1.1)",
  },
  {
    id: "algorithm-not-configured",
    codes: ["ERR_TOKEN_ALGORITHM"],
    applies: (facts) => Object.hasOwn(signatureAlgorithms, stringOrEmpty(algorithm(facts))),
    reason: (facts) => `certbound supports the algorithm, but ${restriction(facts)} does not allow it`,
    fix: (facts) =>
      `${canAddAlgorithm(facts) ? "add it to algorithms, or " : ""}configure the issuer to sign with ${facts.rules.algorithms?.join(" or ") ?? "PS256, ES256 or EdDSA"}`,
  },
  {
    id: "algorithm-unknown",
    codes: ["ERR_TOKEN_ALGORITHM"],
    reason: "the token is signed with an algorithm that certbound does not support",
    fix: "configure the issuer to sign with a supported algorithm, such as ES256 or PS256",
  },
  {
    id: "dpop-proof",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => /dpop\+jwt/i.test(stringOrEmpty(type(facts))),
    reason: "the token is not an access token but a DPoP proof, which the client itself created",
    fix: "send the access token",
  },
  {
    id: "refresh-token",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) =>
      /refresh|^rt\+jwt$/i.test(stringOrEmpty(type(facts))) || /refresh/i.test(stringOrEmpty(claimOf(facts, "typ"))),
    reason: "the token is a refresh token, which only the issuer accepts",
    fix: "send access_token from the token response, not refresh_token",
  },
  {
    id: "security-event",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => claimOf(facts, "events") !== undefined || /logout|secevent/i.test(stringOrEmpty(type(facts))),
    reason: "the token is a logout token or another security event, not an access token",
    fix: "send the access token",
  },
  {
    id: "id-token",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) =>
      idTokenClaims.some((name) => claimOf(facts, name) !== undefined) ||
      /^id[-_]?token/i.test(stringOrEmpty(type(facts))),
    reason: "the token is an ID token, which identifies the user to the client and does not give access to an API",
    fix: "send access_token from the token response, not id_token",
  },
  {
    id: "id-token",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => claimOf(facts, "nonce") !== undefined && !hasAccessTokenClaim(facts),
    reason: "the token is probably an ID token: it has a nonce, but neither a scope nor cnf",
    fix: 'send access_token from the token response, not id_token; if it is the access token, configure the issuer to send typ "at+jwt" (RFC 9068 section 2.1)',
  },
  {
    id: "type-generic",
    codes: ["ERR_TOKEN_TYPE"],
    applies: (facts) => type(facts) === undefined || normaliseTokenType(stringOrEmpty(type(facts))) === "jwt",
    reason: (facts) =>
      `${type(facts) === undefined ? "the token has no typ" : "the token has the generic typ JWT"}, but ${facts.rules.profile === undefined ? "tokenTypes" : `the profile ${facts.rules.profile}`} accepts only ${acceptedTypes(facts)}`,
    fix: (facts) =>
      `configure the issuer to send typ "at+jwt" (RFC 9068 section 2.1), or ${facts.rules.profile === undefined ? `add ${type(facts) === undefined ? "null" : '"JWT"'} to tokenTypes` : "do not use the profile"}`,
  },
  {
    id: "type-not-accepted",
    codes: ["ERR_TOKEN_TYPE"],
    reason: (facts) => `typ is ${printableValue(type(facts))}; accepted types: ${acceptedTypes(facts)}`,
    fix: "if the issuer uses this type for its access tokens, add it to tokenTypes",
  },
];

/** Returns the accepted types as text. */
export function acceptedTypes({ rules }: Facts): string {
  const types = rules.tokenTypes ?? (rules.profile && profiles[rules.profile].tokenTypes) ?? defaultTypes;
  return types.map((one) => one ?? "none").join(", ");
}

function restriction({ rules }: Facts): string {
  return rules.algorithms === undefined ? `the profile ${String(rules.profile)}` : "the option algorithms";
}

/** Returns true if the option `algorithms` can contain the algorithm: core rejects one that the profile does not allow. */
function canAddAlgorithm(facts: Facts): boolean {
  const { algorithms, profile } = facts.rules;
  const allowed = profile && profiles[profile].algorithms;
  return algorithms !== undefined && (allowed === undefined || allowed.includes(stringOrEmpty(algorithm(facts))));
}

/** Returns true for a token with a claim that ID tokens do not have. */
function hasAccessTokenClaim(facts: Facts): boolean {
  return ["scope", "scp", "cnf"].some((name) => claimOf(facts, name) !== undefined);
}

function algorithm({ token }: Facts): unknown {
  return token.header?.["alg"];
}

function type({ token }: Facts): unknown {
  return token.header?.["typ"];
}
