import {
  defaultTokenTypes,
  foreignClaims,
  normaliseTokenType,
  profiles,
  signatureAlgorithms,
} from "@certbound/core/internal";
import { printableValue } from "../rendering/printable.ts";
import type { Cause } from "./cause.ts";
import { claimOf, type Facts, textOf } from "../explain/facts.ts";

/** What core accepts where the binding is required; RFC 7519 section 5.1 recommends the capitals. */
const usualTypes = [...defaultTokenTypes(true)].map((one) => (one === "jwt" ? "JWT" : one));

/** Why algorithm or type are refused. */
export const headerCauses: readonly Cause[] = [
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
