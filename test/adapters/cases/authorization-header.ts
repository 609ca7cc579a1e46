import {
  accepted,
  type AdapterCase,
  type Difference,
  type ExpectedResponse,
  invalidToken,
  rejected,
  type RequestShape,
} from "../adapter-case.ts";

const noToken: ExpectedResponse = { ...invalidToken, challenge: 'Bearer realm="api"' };

const badRequest: ExpectedResponse = {
  status: 400,
  challenge:
    'Bearer realm="api", error="invalid_request", ' +
    'error_description="The request does not carry exactly one well-formed access token"',
  retryAfter: null,
  body: '{"message":"bad request"}',
};

/** Returns a request with this Authorization header. */
function credentials(header: (token: string) => string): Difference {
  return shaped({ headers: (token) => [["authorization", header(token)]] });
}

/** Returns a request of this shape, without an Authorization header by default. */
function shaped(request: RequestShape): Difference {
  return { request: { headers: () => [], ...request } };
}

function twice(first: (token: string) => string, second: (token: string) => string): Difference {
  const headers = (token: string): [string, string][] => [
    ["authorization", first(token)],
    ["Authorization", second(token)],
  ];
  return { request: { headers, onlyHttp1: true } };
}

/** Returns a request with this number of header fields, including Host and Connection of node:http. */
function withFieldCount(count: number): Difference {
  const filler = Array.from({ length: count - 3 }, (): [string, string] => ["a", ""]);
  return { request: { headers: (token) => [["authorization", `Bearer ${token}`], ...filler], onlyHttp1: true } };
}

/** How the request carries the token (RFC 6750 section 2.1). */
export const authorizationHeader: readonly AdapterCase[] = [
  accepted(
    "the scheme in lower case",
    credentials((token) => `bearer ${token}`),
  ),
  accepted(
    "the scheme in upper case",
    credentials((token) => `BEARER ${token}`),
  ),
  accepted(
    "several spaces before the token",
    credentials((token) => `Bearer   ${token}`),
  ),

  rejected("a request without a token", "ERR_TOKEN_MISSING", shaped({}), noToken),
  rejected(
    "an empty header",
    "ERR_TOKEN_MISSING",
    credentials(() => ""),
    noToken,
  ),
  rejected(
    "a token without a scheme",
    "ERR_TOKEN_MISSING",
    credentials((token) => token),
    noToken,
  ),
  ...["Basic", "DPoP", "mtls_pop", "Bearertoken", "Bear"].map((scheme) =>
    rejected(
      `the scheme ${scheme}`,
      "ERR_TOKEN_MISSING",
      credentials((token) => `${scheme} ${token}`),
      noToken,
    ),
  ),
  rejected(
    "the scheme Basic without a bearer token",
    "ERR_TOKEN_MISSING",
    credentials(() => "Basic dXNlcjpwYXNz"),
    noToken,
  ),
  rejected(
    "a token in the query",
    "ERR_TOKEN_MISSING",
    shaped({ query: (token) => `?access_token=${token}` }),
    noToken,
  ),
  rejected(
    "a token in the body",
    "ERR_TOKEN_MISSING",
    shaped({
      method: "POST",
      headers: () => [["content-type", "application/x-www-form-urlencoded"]],
      body: (token) => `access_token=${token}`,
    }),
    noToken,
  ),
  ...["cookie", "proxy-authorization", "x-forwarded-authorization"].map((name) =>
    rejected(
      `a token in the header ${name}`,
      "ERR_TOKEN_MISSING",
      shaped({ headers: (token) => [[name, name === "cookie" ? `access_token=${token}` : `Bearer ${token}`]] }),
      noToken,
    ),
  ),

  rejected(
    "the scheme alone",
    "ERR_REQUEST_MALFORMED",
    credentials(() => "Bearer"),
    badRequest,
  ),
  rejected(
    "two tokens",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer ${token} ${token}`),
    badRequest,
  ),
  rejected(
    "a list of tokens",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer ${token},${token}`),
    badRequest,
  ),
  rejected(
    "a comma after the token",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer ${token},`),
    badRequest,
  ),
  rejected(
    "a parameter",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer ${token}, a="b"`),
    badRequest,
  ),
  rejected(
    "a tab before the token",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer\t${token}`),
    badRequest,
  ),
  rejected(
    "a no-break space",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer \u00a0${token}`),
    badRequest,
  ),
  rejected(
    "a tab inside the token",
    "ERR_REQUEST_MALFORMED",
    credentials((token) => `Bearer a\t${token}`),
    badRequest,
  ),
  rejected(
    "the token in two headers",
    "ERR_REQUEST_MALFORMED",
    twice(
      (token) => `Bearer ${token}`,
      (token) => `Bearer ${token}`,
    ),
    badRequest,
  ),
  rejected(
    "the token and a header of another scheme",
    "ERR_REQUEST_MALFORMED",
    twice(
      (token) => `Bearer ${token}`,
      () => "Basic dXNlcjpwYXNz",
    ),
    badRequest,
  ),
  rejected(
    "the token after an empty header",
    "ERR_REQUEST_MALFORMED",
    twice(
      () => "",
      (token) => `Bearer ${token}`,
    ),
    badRequest,
  ),

  // Some versions of Node drop the fields beyond 1000, and others respond to them with 431.
  accepted("a token in a list of 999 header fields", withFieldCount(999)),
  rejected(
    "a token in a list of 1000 header fields, which may be incomplete",
    "ERR_REQUEST_MALFORMED",
    withFieldCount(1000),
    badRequest,
  ),
];
