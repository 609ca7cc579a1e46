import type { Identity } from "@certbound/testing";
import type { Attempt } from "./conformance-case.ts";

/** Returns an attempt with this `cnf` in the token. */
export function confirming(cnf: (own: Identity) => unknown): Attempt {
  return { token: ({ token, own }) => token({ claims: { cnf: cnf(own) } }) };
}

/** A token that is bound according to RFC 8705 section 3.1. */
export const bound: Attempt = confirming(({ thumbprint }) => ({ "x5t#S256": thumbprint }));
