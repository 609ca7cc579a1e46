import { forgeToken } from "@certbound/testing";
import { NOW } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, type Difference, rejected } from "../adapter-case.ts";

function claims(changes: Record<string, unknown>): Difference {
  return { token: ({ token }) => token({ claims: changes }) };
}

/** The issuer, audience, times and types of other claims (RFC 9068 section 4). */
export const claimValues: readonly AdapterCase[] = [
  rejected("another issuer", "ERR_TOKEN_ISSUER", claims({ iss: "https://attacker.example" })),
  rejected("a missing issuer", "ERR_TOKEN_ISSUER", claims({ iss: undefined })),
  rejected("the issuer with a trailing slash", "ERR_TOKEN_ISSUER", {
    token: ({ token, issuer }) => token({ claims: { iss: `${issuer.issuer}/` } }),
  }),
  rejected("the issuer in a list", "ERR_TOKEN_ISSUER", {
    token: ({ token, issuer }) => token({ claims: { iss: [issuer.issuer] } }),
  }),

  accepted("a list of audiences that contains this API", {
    token: ({ token, issuer }) => token({ claims: { aud: ["https://other.example", issuer.audience] } }),
  }),
  rejected("another audience", "ERR_TOKEN_AUDIENCE", claims({ aud: "https://other.example" })),
  rejected("a missing audience", "ERR_TOKEN_AUDIENCE", claims({ aud: undefined })),
  rejected("an empty list of audiences", "ERR_TOKEN_AUDIENCE", claims({ aud: [] })),
  rejected("an audience that starts with the identifier of this API", "ERR_TOKEN_AUDIENCE", {
    token: ({ token, issuer }) => token({ claims: { aud: `${issuer.audience}/orders` } }),
  }),
  rejected("the audience in a list of lists", "ERR_TOKEN_AUDIENCE", {
    token: ({ token, issuer }) => token({ claims: { aud: [[issuer.audience]] } }),
  }),

  accepted("a token that expired within the tolerance", claims({ exp: NOW - 4 })),
  rejected("a token that expired at the end of the tolerance", "ERR_TOKEN_EXPIRED", claims({ exp: NOW - 5 })),
  rejected("a token that expired long ago", "ERR_TOKEN_EXPIRED", { token: ({ token }) => token({ expiresIn: -3600 }) }),
  rejected("a token that expired in 1970", "ERR_TOKEN_EXPIRED", claims({ exp: 0 })),
  rejected("a token without expiry", "ERR_TOKEN_CLAIM", claims({ exp: undefined })),
  ...[String(NOW + 300), null, [NOW + 300], true].map((exp) =>
    rejected(`the expiry ${JSON.stringify(exp)}`, "ERR_TOKEN_CLAIM", claims({ exp })),
  ),
  rejected("an expiry in milliseconds", "ERR_TOKEN_CLAIM", claims({ exp: (NOW + 300) * 1000 })),
  rejected("an infinite expiry", "ERR_TOKEN_CLAIM", {
    token: async ({ token }) => {
      const [header = "", payload = "", signature = ""] = (await token()).split(".");
      const text = Buffer.from(payload, "base64url")
        .toString()
        .replace(/"exp":\d+/, '"exp":1e999');
      return forgeToken({ header: Buffer.from(header, "base64url").toString(), payload: text, signature });
    },
  }),
  accepted("a token that becomes valid within the tolerance", claims({ nbf: NOW + 5 })),
  rejected("a token that is not valid yet", "ERR_TOKEN_NOT_YET_VALID", claims({ nbf: NOW + 6 })),
  rejected("nbf as a string", "ERR_TOKEN_CLAIM", claims({ nbf: String(NOW) })),

  accepted("a token without a subject", claims({ sub: undefined })),
  rejected("a subject that is not a string", "ERR_TOKEN_CLAIM", claims({ sub: 1 })),
  rejected("a client that is not a string", "ERR_TOKEN_CLAIM", claims({ client_id: null })),
  rejected("a scope that is an object", "ERR_TOKEN_CLAIM", claims({ scope: { read: true } })),
];
