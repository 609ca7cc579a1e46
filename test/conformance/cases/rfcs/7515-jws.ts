import { type Api, type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";

/** Returns an attempt with a token that is valid apart from the differences. */
function sent(differences: RawToken): Attempt {
  return { token: ({ token }) => token(differences) };
}

/** Two keys whose kids differ in letter case, and one whose kid is a number as a string. */
const withSimilarKeyIds: Api = {
  verifier: ({ keys, foreignKeys }) => ({
    jwks: {
      keys: [
        { ...keys.ES256.jwk, kid: "key-a" },
        { ...foreignKeys.ES256.jwk, kid: "key-A" },
        { ...keys.ES256.jwk, kid: "1" },
      ],
    },
  }),
};

const counts: readonly (readonly [name: string, join: NonNullable<RawToken["join"]>])[] = [
  ["no period", (...parts) => parts.join("")],
  ["one period, before the claims", (header, payload, signature) => `${header}.${payload}${signature}`],
  ["one period, before the signature", (header, payload, signature) => `${header}${payload}.${signature}`],
  ["no signature and one period", (header, payload) => `${header}.${payload}`],
  ["three periods, the last at the end", (...parts) => `${parts.join(".")}.`],
  ["three periods, the first at the start", (...parts) => `.${parts.join(".")}`],
  ["three periods, two of them adjacent", (header, payload, signature) => `${header}..${payload}.${signature}`],
];

/** Texts that lenient parsers accept as the header. */
const lenientHeaders: readonly (readonly [name: string, write: (json: string) => string])[] = [
  ["in an array", (json) => `[${json}]`],
  ["in a JSON string", (json) => JSON.stringify(json)],
  ["followed by a letter", (json) => `${json}x`],
  ["followed by another object", (json) => `${json}{}`],
  ["followed by a NUL", (json) => `${json}\0`],
  ["with a comma after the last member", (json) => json.replace(/\}$/, ",}")],
  ["in single quotes", (json) => json.replaceAll('"', "'")],
  ["with a name without quotes", (json) => json.replace('"alg"', "alg")],
  ["with a line break in a string", (json) => json.replace(/\}$/, ',"note":"a\nb"}')],
  ["after a byte order mark", (json) => `\ufeff${json}`],
];

export const cases: readonly ConformanceCase[] = [
  ...counts.map(([name, join]) =>
    rejects("7515-01", `a token with ${name}`, { rejected: sent({ join }), code: "ERR_TOKEN_MALFORMED" }),
  ),
  rejects("7515-03", "an unknown critical extension, but not an unknown header parameter", {
    accepted: sent({ header: { "https://example.com/extension": 1 } }),
    rejected: sent({ header: { "https://example.com/extension": 1, crit: ["https://example.com/extension"] } }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  ...lenientHeaders.map(([name, headerText]) =>
    rejects("7515-04", `a header ${name}`, {
      accepted: sent({ headerText: (json) => ` ${json}\r\n\t` }),
      rejected: sent({ headerText }),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  rejects("7515-04", "a header with a byte that is not valid in UTF-8", {
    accepted: sent({ headerText: (json) => json.replace(/\}$/, ',"note":"\u00ff"}') }),
    rejected: sent({ headerText: (json) => Buffer.from(json.replace(/\}$/, ',"note":"\u00ff"}'), "latin1") }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("7515-06", "an escaped alg in another letter case", {
    accepted: sent({ headerText: (json) => json.replace('"ES256"', String.raw`"\u0045S256"`) }),
    rejected: sent({ headerText: (json) => json.replace('"ES256"', String.raw`"\u0065S256"`) }),
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects("7515-06", "the escaped name alg in another letter case", {
    accepted: sent({ headerText: (json) => json.replace('"alg"', String.raw`"\u0061lg"`) }),
    rejected: sent({ headerText: (json) => json.replace('"alg"', String.raw`"\u0041lg"`) }),
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects(["7515-06", "7515-03"], "an escaped crit", {
    accepted: sent({ headerText: (json) => json.replace(/\}$/, String.raw`,"\u0043rit":["exp"],"exp":1}`) }),
    rejected: sent({ headerText: (json) => json.replace(/\}$/, String.raw`,"\u0063rit":["exp"],"exp":1}`) }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects(["7515-06", "7519-06"], "an escaped iss with another character", {
    accepted: sent({ payloadText: (json) => json.replace("https://issuer", String.raw`\u0068ttps:\/\/issuer`) }),
    rejected: sent({ payloadText: (json) => json.replace("https://issuer", String.raw`\u0048ttps:\/\/issuer`) }),
    code: "ERR_TOKEN_ISSUER",
  }),
  rejects("7515-07", "a kid whose letter case matches another key", {
    api: withSimilarKeyIds,
    accepted: sent({ header: { kid: "key-a" } }),
    rejected: sent({ header: { kid: "key-A" } }),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("7515-07", "a kid whose letter case matches no key", {
    api: withSimilarKeyIds,
    accepted: sent({ header: { kid: "key-a" } }),
    rejected: sent({ header: { kid: "KEY-a" } }),
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  rejects("7515-07", "a kid that is a number", {
    api: withSimilarKeyIds,
    accepted: sent({ header: { kid: "1" } }),
    rejected: sent({ header: { kid: 1 } }),
    code: "ERR_TOKEN_MALFORMED",
  }),
];
