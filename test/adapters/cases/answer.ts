import { accepted, type AdapterCase, type Answer, invalidToken, rejected } from "../adapter-case.ts";

const unavailable: Answer = {
  status: 503,
  challenge: null,
  retryAfter: "1",
  body: '{"message":"service unavailable"}',
};

const description = 'error="invalid_token", error_description="The access token is not valid for this request"';

function challenged(challenge: string): Answer {
  return { ...invalidToken, challenge };
}

const otherScheme = { headers: (token: string): [string, string][] => [["authorization", `mtls_pop ${token}`]] };
const twoSchemes = { schemes: ["Bearer", "mtls_pop"] };
const orders = { realm: "orders", resource: "https://api.example.com/orders" };

/** Where keys come from, and how an API presents itself. */
export const answers: readonly AdapterCase[] = [
  accepted("a token by keys that the issuer publishes", { keys: "published" }),
  rejected("a token while the keys cannot be fetched", "ERR_KEYS_UNAVAILABLE", { keys: "unreachable" }, unavailable),
  rejected("a stolen token even then", "ERR_BINDING_MISMATCH", { keys: "unreachable", presents: "thief" }),
  rejected("an expired token even then", "ERR_TOKEN_EXPIRED", {
    keys: "unreachable",
    token: ({ token }) => token({ expiresIn: -60 }),
  }),

  accepted("the token where the API has a name", { rejection: orders }),
  rejected(
    "a stolen token with that name and the address of the metadata",
    "ERR_BINDING_MISMATCH",
    { rejection: orders, presents: "thief" },
    challenged(
      `Bearer realm="orders", ${description}, ` +
        'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/orders"',
    ),
  ),
  accepted("another scheme that is configured", { rejection: twoSchemes, request: otherScheme }),
  rejected(
    "a stolen token with a challenge for each scheme",
    "ERR_BINDING_MISMATCH",
    { rejection: twoSchemes, presents: "thief" },
    challenged(`Bearer realm="api", ${description}, mtls_pop realm="api", ${description}`),
  ),
  rejected(
    "that scheme where it is not configured",
    "ERR_TOKEN_MISSING",
    { request: otherScheme },
    challenged('Bearer realm="api"'),
  ),
];
