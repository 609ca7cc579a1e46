import { accepted, type AdapterCase, type ExpectedResponse, invalidToken, rejected } from "../adapter-case.ts";

const unavailable: ExpectedResponse = {
  status: 503,
  challenge: null,
  retryAfter: "1",
  body: '{"message":"service unavailable"}',
};

const description = 'error="invalid_token", error_description="The access token is not valid for this request"';

function withChallenge(challenge: string): ExpectedResponse {
  return { ...invalidToken, challenge };
}

const otherScheme = { headers: (token: string): [string, string][] => [["authorization", `mtls_pop ${token}`]] };
const twoSchemes = { schemes: ["Bearer", "mtls_pop"] };
const orders = { realm: "orders", resource: "https://api.example.com/orders" };

/** The source of keys, and the options of responses. */
export const responses: readonly AdapterCase[] = [
  accepted("a token with fetched keys", { keys: "published" }),
  rejected("a token while the keys cannot be fetched", "ERR_KEYS_UNAVAILABLE", { keys: "unreachable" }, unavailable),
  rejected("a stolen token while the keys cannot be fetched", "ERR_BINDING_MISMATCH", {
    keys: "unreachable",
    presents: "thief",
  }),
  rejected("an expired token while the keys cannot be fetched", "ERR_TOKEN_EXPIRED", {
    keys: "unreachable",
    token: ({ token }) => token({ expiresIn: -60 }),
  }),

  accepted("a token where a realm and a resource are configured", { rejection: orders }),
  rejected(
    "a stolen token with the realm and the metadata URL in the challenge",
    "ERR_BINDING_MISMATCH",
    { rejection: orders, presents: "thief" },
    withChallenge(
      `Bearer realm="orders", ${description}, ` +
        'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/orders"',
    ),
  ),
  accepted("another configured scheme", { rejection: twoSchemes, request: otherScheme }),
  rejected(
    "a stolen token with a challenge for each scheme",
    "ERR_BINDING_MISMATCH",
    { rejection: twoSchemes, presents: "thief" },
    withChallenge(`Bearer realm="api", ${description}, mtls_pop realm="api", ${description}`),
  ),
  rejected(
    "another scheme that is not configured",
    "ERR_TOKEN_MISSING",
    { request: otherScheme },
    withChallenge('Bearer realm="api"'),
  ),
];
