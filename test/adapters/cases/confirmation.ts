import { accepted, type AdapterCase, type Difference, rejected } from "../adapter-case.ts";

const sha256OfEmptyInput = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/** Returns a token with this `cnf`, made from the thumbprint of the client. */
function confirmation(cnf: (thumbprint: string) => unknown): Difference {
  return { token: ({ token, client }) => token({ claims: { cnf: cnf(client.thumbprint) } }) };
}

/** Returns a token with this value of x5t#S256. */
function x5t(value: (thumbprint: string) => unknown): Difference {
  return confirmation((thumbprint) => ({ "x5t#S256": value(thumbprint) }));
}

function hexadecimal(thumbprint: string): string {
  return Buffer.from(thumbprint, "base64url").toString("hex");
}

/** Returns another encoding of the same 32 bytes. */
function withUnusedBits(thumbprint: string): string {
  const canonical = "AEIMQUYcgkosw048";
  const changed = "BFJNRVZdhlptx159";
  return thumbprint.slice(0, -1) + changed.charAt(canonical.indexOf(thumbprint.slice(-1)));
}

/** Valid and invalid values of cnf (RFC 7800 section 3.1, RFC 8705 section 3.1). */
export const confirmations: readonly AdapterCase[] = [
  accepted(
    "other members next to the thumbprint",
    confirmation((own) => ({ "x5t#S256": own, kid: "k", future: {} })),
  ),

  rejected(
    "cnf null",
    "ERR_BINDING_MALFORMED",
    confirmation(() => null),
  ),
  rejected(
    "cnf false",
    "ERR_BINDING_MALFORMED",
    confirmation(() => false),
  ),
  rejected(
    "cnf 0",
    "ERR_BINDING_MALFORMED",
    confirmation(() => 0),
  ),
  rejected(
    "cnf that is the thumbprint itself",
    "ERR_BINDING_MALFORMED",
    confirmation((own) => own),
  ),
  rejected(
    "cnf in a list",
    "ERR_BINDING_MALFORMED",
    confirmation((own) => [{ "x5t#S256": own }]),
  ),
  rejected(
    "an empty cnf",
    "ERR_BINDING_MALFORMED",
    confirmation(() => ({})),
  ),
  ...[null, true, 43, {}, ""].map((value) =>
    rejected(
      `the thumbprint ${JSON.stringify(value)}`,
      "ERR_BINDING_MALFORMED",
      x5t(() => value),
    ),
  ),
  rejected(
    "a list of thumbprints",
    "ERR_BINDING_MALFORMED",
    x5t((own) => [own]),
  ),
  rejected("a hexadecimal thumbprint", "ERR_BINDING_MALFORMED", x5t(hexadecimal)),
  rejected(
    "a thumbprint with padding",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `${own}=`),
  ),
  rejected(
    "a thumbprint with a space",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `${own} `),
  ),
  rejected(
    "a thumbprint with a line feed",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `${own}\n`),
  ),
  rejected(
    "a thumbprint without its last character",
    "ERR_BINDING_MALFORMED",
    x5t((own) => own.slice(0, 42)),
  ),
  rejected(
    "a thumbprint with an additional character",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `${own}A`),
  ),
  rejected("a thumbprint with nonzero unused bits", "ERR_BINDING_MALFORMED", x5t(withUnusedBits)),
  rejected(
    "a thumbprint in the standard alphabet",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `+/${own.slice(2)}`),
  ),
  rejected(
    "the SHA-256 of empty input",
    "ERR_BINDING_MALFORMED",
    x5t(() => sha256OfEmptyInput),
  ),

  rejected(
    "the thumbprint as x5t",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => ({ x5t: own })),
  ),
  rejected(
    "the thumbprint as x5t#s256",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => ({ "x5t#s256": own })),
  ),
  rejected(
    "the thumbprint as x5t#S512",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => ({ "x5t#S512": own })),
  ),
  rejected(
    "a DPoP-bound token",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => ({ jkt: own })),
  ),
  rejected(
    "a key as the confirmation",
    "ERR_BINDING_UNSUPPORTED",
    confirmation(() => ({ jwk: { kty: "EC" } })),
  ),
  rejected(
    "a DPoP binding next to the thumbprint",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => ({ "x5t#S256": own, jkt: own })),
  ),
  rejected(
    "a thumbprint in a member __proto__",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => JSON.parse(`{"__proto__":{"x5t#S256":"${own}"}}`)),
  ),
  rejected("a thumbprint outside cnf", "ERR_BINDING_REQUIRED", {
    token: ({ token, client }) => token({ claims: { cnf: undefined, "x5t#S256": client.thumbprint } }),
  }),
];
