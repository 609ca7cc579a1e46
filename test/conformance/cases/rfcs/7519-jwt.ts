import { type Api, type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, ISSUER, NOW } from "../../scene.ts";
import { changed, signers } from "../../signers.ts";

/** The same character, composed and decomposed: equal only after normalisation. */
const [COMPOSED, DECOMPOSED] = ["https://api.example/\u00e9", "https://api.example/e\u0301"] as const;

const withoutTolerance: Api = { verifier: () => ({ clockTolerance: 0 }) };

const composedAudience: Api = { verifier: () => ({ audience: COMPOSED }) };

function sent(differences: RawToken): Attempt {
  return { token: ({ token }) => token(differences) };
}

function claiming(claims: RawToken["claims"] & object): Attempt {
  return sent({ claims });
}

const notAnObject: readonly (readonly [name: string, write: (json: string) => string])[] = [
  ["an array", (json) => `[${json}]`],
  ["a JSON string", (json) => JSON.stringify(json)],
  ["two objects", (json) => `${json}${json}`],
  ["null", () => "null"],
  ["a number", () => "1"],
  ["an empty text", () => ""],
];

export const cases: readonly ConformanceCase[] = [
  ...notAnObject.map(([name, payloadText]) =>
    rejects("7519-01", `claims that are ${name}`, {
      accepted: sent({ payloadText: (json) => ` ${json} ` }),
      rejected: sent({ payloadText }),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  rejects("7519-01", "a valid token with one changed bit in the signature", {
    accepted: sent({ signer: signers.ES256 }),
    rejected: sent({ signer: changed(signers.ES256, (signature) => signature.with(40, (signature[40] ?? 0) ^ 1)) }),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  ...(["exp", "nbf", "iat"] as const).map((name) =>
    rejects("7519-02", `${name} as a string, but not as a number with a fraction`, {
      accepted: claiming({ [name]: NOW + 0.5 }),
      rejected: claiming({ [name]: `${NOW + 0.5}` }),
      code: "ERR_TOKEN_CLAIM",
    }),
  ),
  rejects("7519-03", "a token at its exp", {
    api: withoutTolerance,
    accepted: claiming({ exp: NOW + 0.001 }),
    rejected: claiming({ exp: NOW }),
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("7519-03", "a token after its exp and the clock tolerance of 5 s", {
    accepted: claiming({ exp: NOW - 4 }),
    rejected: claiming({ exp: NOW - 5 }),
    code: "ERR_TOKEN_EXPIRED",
  }),
  rejects("7519-04", "a token before its nbf", {
    api: withoutTolerance,
    accepted: claiming({ nbf: NOW }),
    rejected: claiming({ nbf: NOW + 0.001 }),
    code: "ERR_TOKEN_NOT_YET_VALID",
  }),
  rejects("7519-04", "a token before its nbf and the clock tolerance of 5 s", {
    accepted: claiming({ nbf: NOW + 5 }),
    rejected: claiming({ nbf: NOW + 6 }),
    code: "ERR_TOKEN_NOT_YET_VALID",
  }),
  rejects("7519-05", "a list of audiences without the API", {
    accepted: claiming({ aud: ["https://another.example", AUDIENCE] }),
    rejected: claiming({ aud: ["https://another.example", "https://third.example"] }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("7519-05", "a list of audiences with an item that is not a string", {
    accepted: claiming({ aud: [AUDIENCE, "1"] }),
    rejected: claiming({ aud: [AUDIENCE, 1] }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("7519-05", "a token without aud", {
    accepted: claiming({ aud: AUDIENCE }),
    rejected: claiming({ aud: undefined }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  ...["https://API.example", "HTTPS://api.example", `${AUDIENCE}/`, "https://%61pi.example", `${AUDIENCE}:443`].map(
    (aud) =>
      rejects(["7519-06", "7519-05"], `the audience ${aud}`, {
        accepted: claiming({ aud: AUDIENCE }),
        rejected: claiming({ aud }),
        code: "ERR_TOKEN_AUDIENCE",
      }),
  ),
  rejects("7519-06", "an audience that matches only after Unicode normalisation", {
    api: composedAudience,
    accepted: claiming({ aud: COMPOSED }),
    rejected: claiming({ aud: DECOMPOSED }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("7519-06", "an issuer that matches only after normalisation of the URL", {
    accepted: claiming({ iss: ISSUER }),
    rejected: claiming({ iss: `${ISSUER}/.` }),
    code: "ERR_TOKEN_ISSUER",
  }),
];
