import { type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";

type Lines = readonly (readonly [string, string])[];

/** Returns a request with these header lines. */
function withLines(lines: (token: string) => Lines): Attempt {
  return { request: { lines } };
}

const plain = withLines((token) => [["authorization", `Bearer ${token}`]]);

/** Credentials with more than one token, or with additional text. */
const severalTokens: readonly (readonly [name: string, credentials: (token: string) => string])[] = [
  ["two tokens, separated by a space", (token) => `Bearer ${token} ${token}`],
  ["two tokens, separated by a comma", (token) => `Bearer ${token},${token}`],
  ["two credentials, separated by a comma", (token) => `Bearer ${token}, Bearer ${token}`],
  ["credentials of another scheme after the token", (token) => `Bearer ${token}, Basic dTpw`],
  ["a parameter after the token", (token) => `Bearer ${token}, realm="api"`],
  ["the scheme twice", (token) => `Bearer Bearer ${token}`],
  ["a comma before the token", (token) => `Bearer ,${token}`],
  ["a comma after the token", (token) => `Bearer ${token},`],
  ["a tab before the token", (token) => `Bearer\t${token}`],
  ["a tab and text after the token", (token) => `Bearer ${token}\tx`],
];

/** Headers that some proxies, gateways or frameworks treat like the Authorization header. */
const otherHeaders: readonly string[] = [
  "proxy-authorization",
  "x-forwarded-authorization",
  "x-original-authorization",
  "x-authorization",
  "http-authorization",
  "authorization_",
  "x-access-token",
  "x-forwarded-access-token",
  "x-auth-request-access-token",
  "access-token",
  "x-amzn-oidc-accesstoken",
  "www-authenticate",
  "sec-websocket-protocol",
];

/** Other places for a token, in addition to the Authorization header. */
const otherPlaces: readonly (readonly [name: string, request: (header: Lines) => Attempt["request"] & object])[] = [
  ["the query", (header) => ({ lines: () => header, query: (token) => `?access_token=${token}` })],
  [
    "a form body",
    (header) => ({
      lines: () => [...header, ["content-type", "application/x-www-form-urlencoded"]],
      method: "POST",
      body: (token) => `access_token=${token}`,
    }),
  ],
  ["a cookie", (header) => ({ lines: (token) => [...header, ["cookie", `access_token=${token}`]] })],
];

export const cases: readonly ConformanceCase[] = [
  rejects(["W-01", "6750-02"], "the token in two Authorization headers", {
    accepted: plain,
    rejected: withLines((token) => [
      ["authorization", `Bearer ${token}`],
      ["Authorization", `Bearer ${token}`],
    ]),
    code: "ERR_REQUEST_MALFORMED",
  }),
  ...severalTokens.map(([name, credentials]) =>
    rejects("W-02", `an Authorization header with ${name}`, {
      accepted: plain,
      rejected: withLines((token) => [["authorization", credentials(token)]]),
      code: "ERR_REQUEST_MALFORMED",
    }),
  ),
  rejects("W-02", "a token after the credentials of another scheme", {
    accepted: plain,
    rejected: withLines((token) => [["authorization", `Basic dTpw, Bearer ${token}`]]),
    code: "ERR_TOKEN_MISSING",
  }),
  ...otherPlaces.flatMap(([name, request]) => [
    rejects("W-03", `a token in ${name} instead of the header`, {
      accepted: plain,
      rejected: { request: request([]) },
      code: "ERR_TOKEN_MISSING",
    }),
    rejects("W-03", `an invalid token in the header, regardless of the token in ${name}`, {
      accepted: plain,
      rejected: { request: request([["authorization", "Bearer e30.e30.AA"]]) },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ]),
  ...otherHeaders.map((header) =>
    rejects("W-04", `a token in the header ${header}`, {
      accepted: withLines((token) => [
        ["authorization", `Bearer ${token}`],
        [header, "Bearer e30.e30.AA"],
      ]),
      rejected: withLines((token) => [[header, `Bearer ${token}`]]),
      code: "ERR_TOKEN_MISSING",
    }),
  ),
];
