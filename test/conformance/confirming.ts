import type { Identity } from "@certbound/testing";
import type { Attempt } from "./conformance-case.ts";

/** A token with this confirmation, made for the client; nothing in it is checked. */
export function confirming(cnf: (own: Identity) => unknown): Attempt {
  return { token: ({ token, own }) => token({ claims: { cnf: cnf(own) } }) };
}

/** A token that is bound as RFC 8705 section 3.1 says. */
export const bound: Attempt = confirming(({ thumbprint }) => ({ "x5t#S256": thumbprint }));
