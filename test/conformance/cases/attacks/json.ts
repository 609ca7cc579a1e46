import { type ConformanceCase, refuses } from "../../conformance-case.ts";

/** Writes a member behind all others, or before them. */
const last = (member: string) => (json: string) => json.replace(/\}$/, `,${member}}`);
const first = (member: string) => (json: string) => json.replace(/^\{/, `{${member},`);

export const cases: readonly ConformanceCase[] = [
  refuses(["J-01", "7519-07"], "a token whose last cnf names another certificate, whatever the first one names", {
    accepted: {
      token: ({ token, other }) => token({ payloadText: first(`"cnf":{"x5t#S256":"${other.thumbprint}"}`) }),
    },
    refused: {
      token: ({ token, other }) => token({ payloadText: last(`"cnf":{"x5t#S256":"${other.thumbprint}"}`) }),
    },
    code: "ERR_BINDING_MISMATCH",
  }),
  refuses("J-01", "a header whose last alg is none, whatever the first one is", {
    accepted: { token: ({ token }) => token({ headerText: first('"alg":"none"') }) },
    refused: { token: ({ token }) => token({ headerText: last('"alg":"none"') }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
];
