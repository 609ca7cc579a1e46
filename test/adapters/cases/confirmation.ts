import { accepted, type AdapterCase, type Difference, rejected } from "../adapter-case.ts";

const sha256OfNothing = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/** A token whose cnf is made from the thumbprint of the client who presents it. */
function confirmation(cnf: (thumbprint: string) => unknown): Difference {
  return { token: ({ token, client }) => token({ claims: { cnf: cnf(client.thumbprint) } }) };
}

/** The same, of the one member that counts. */
function x5t(value: (thumbprint: string) => unknown): Difference {
  return confirmation((thumbprint) => ({ "x5t#S256": value(thumbprint) }));
}

function hexadecimal(thumbprint: string): string {
  return Buffer.from(thumbprint, "base64url").toString("hex");
}

/** Another text for the same 32 bytes. */
function withLooseBits(thumbprint: string): string {
  const canonical = "AEIMQUYcgkosw048";
  const loose = "BFJNRVZdhlptx159";
  return thumbprint.slice(0, -1) + loose.charAt(canonical.indexOf(thumbprint.slice(-1)));
}

/** The shapes of cnf (RFC 7800 section 3.1, RFC 8705 section 3.1). */
export const confirmationShapes: readonly AdapterCase[] = [
  accepted(
    "other members beside the thumbprint",
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
    "the beginning of the thumbprint",
    "ERR_BINDING_MALFORMED",
    x5t((own) => own.slice(0, 42)),
  ),
  rejected(
    "the thumbprint and more",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `${own}A`),
  ),
  rejected("a thumbprint with loose bits", "ERR_BINDING_MALFORMED", x5t(withLooseBits)),
  rejected(
    "a thumbprint in the standard alphabet",
    "ERR_BINDING_MALFORMED",
    x5t((own) => `+/${own.slice(2)}`),
  ),
  rejected(
    "the SHA-256 of nothing",
    "ERR_BINDING_MALFORMED",
    x5t(() => sha256OfNothing),
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
    "a key",
    "ERR_BINDING_UNSUPPORTED",
    confirmation(() => ({ jwk: { kty: "EC" } })),
  ),
  rejected(
    "a DPoP binding beside it",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => ({ "x5t#S256": own, jkt: own })),
  ),
  rejected(
    "a thumbprint that only a prototype would have",
    "ERR_BINDING_UNSUPPORTED",
    confirmation((own) => JSON.parse(`{"__proto__":{"x5t#S256":"${own}"}}`)),
  ),
  rejected("a thumbprint outside cnf", "ERR_BINDING_REQUIRED", {
    token: ({ token, client }) => token({ claims: { cnf: undefined, "x5t#S256": client.thumbprint } }),
  }),
];
