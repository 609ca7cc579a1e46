import type { Identity } from "@certbound/testing";
import { createHash, X509Certificate } from "node:crypto";
import { type Api, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { bound, confirming } from "../../confirming.ts";

const JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

/** Texts derived from the client certificate that are not its SHA-256 in base64url. */
const otherThumbprints: readonly (readonly [
  name: string,
  thumbprint: (own: Identity) => string,
  code: "ERR_BINDING_MALFORMED" | "ERR_BINDING_MISMATCH",
])[] = [
  ["in hexadecimal digits", ({ der }) => hash(der).toString("hex"), "ERR_BINDING_MALFORMED"],
  ["in upper-case hexadecimal digits", ({ der }) => hash(der).toString("hex").toUpperCase(), "ERR_BINDING_MALFORMED"],
  [
    "in hexadecimal digits with colons",
    ({ der }) => new X509Certificate(Buffer.from(der)).fingerprint256,
    "ERR_BINDING_MALFORMED",
  ],
  ["as base64url of hexadecimal digits", ({ der }) => base64url(hash(der).toString("hex")), "ERR_BINDING_MALFORMED"],
  ["in base64 with padding", ({ der }) => hash(der).toString("base64"), "ERR_BINDING_MALFORMED"],
  ["with padding", ({ thumbprint }) => `${thumbprint}=`, "ERR_BINDING_MALFORMED"],
  ["without its last character", ({ thumbprint }) => thumbprint.slice(0, -1), "ERR_BINDING_MALFORMED"],
  ["of one character", ({ thumbprint }) => thumbprint.slice(0, 1), "ERR_BINDING_MALFORMED"],
  ["that is empty", () => "", "ERR_BINDING_MALFORMED"],
  ["with an additional character", ({ thumbprint }) => `${thumbprint}A`, "ERR_BINDING_MALFORMED"],
  ["that is repeated", ({ thumbprint }) => thumbprint + thumbprint, "ERR_BINDING_MALFORMED"],
  ["with a leading space", ({ thumbprint }) => ` ${thumbprint}`, "ERR_BINDING_MALFORMED"],
  ["with a trailing line break", ({ thumbprint }) => `${thumbprint}\n`, "ERR_BINDING_MALFORMED"],
  ["with nonzero unused bits", withUnusedBits, "ERR_BINDING_MALFORMED"],
  ["with swapped letter case", ({ thumbprint }) => swappedCase(thumbprint), "ERR_BINDING_MISMATCH"],
  ["with SHA-1", ({ der }) => hash(der, "sha1").toString("base64url"), "ERR_BINDING_MALFORMED"],
  ["with SHA-512", ({ der }) => hash(der, "sha512").toString("base64url"), "ERR_BINDING_MALFORMED"],
  ["with SHA3-256", ({ der }) => hash(der, "sha3-256").toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["with SHA-256 twice", ({ der }) => hash(hash(der)).toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["of the PEM", ({ certificate }) => hash(certificate).toString("base64url"), "ERR_BINDING_MISMATCH"],
  [
    "of the base64 text",
    ({ der }) => hash(Buffer.from(der).toString("base64")).toString("base64url"),
    "ERR_BINDING_MISMATCH",
  ],
  [
    "of the public key",
    (own) => hash(publicKey(own).export({ type: "spki", format: "der" })).toString("base64url"),
    "ERR_BINDING_MISMATCH",
  ],
  ["of the public key as a JWK", jwkThumbprint, "ERR_BINDING_MISMATCH"],
];

/** Confirmations that a lenient parser could accept as a binding to the certificate. */
const malformedConfirmations: readonly (readonly [
  name: string,
  cnf: (thumbprint: string) => unknown,
  code: "ERR_BINDING_REQUIRED" | "ERR_BINDING_MALFORMED" | "ERR_BINDING_UNSUPPORTED",
])[] = [
  ["that is null", () => null, "ERR_BINDING_MALFORMED"],
  ["that is false", () => false, "ERR_BINDING_MALFORMED"],
  ["that is an empty text", () => "", "ERR_BINDING_MALFORMED"],
  ["that is the thumbprint", (thumbprint) => thumbprint, "ERR_BINDING_MALFORMED"],
  ["that is a JSON string", (thumbprint) => JSON.stringify({ "x5t#S256": thumbprint }), "ERR_BINDING_MALFORMED"],
  ["that is a list with one confirmation", (thumbprint) => [{ "x5t#S256": thumbprint }], "ERR_BINDING_MALFORMED"],
  ["that is an empty list", () => [], "ERR_BINDING_MALFORMED"],
  ["that is an empty object", () => ({}), "ERR_BINDING_MALFORMED"],
  ["with a list of thumbprints as x5t#S256", (thumbprint) => ({ "x5t#S256": [thumbprint] }), "ERR_BINDING_MALFORMED"],
  ["with an object as x5t#S256", (thumbprint) => ({ "x5t#S256": { value: thumbprint } }), "ERR_BINDING_MALFORMED"],
  ["with null as x5t#S256", () => ({ "x5t#S256": null }), "ERR_BINDING_MALFORMED"],
  ["with true as x5t#S256", () => ({ "x5t#S256": true }), "ERR_BINDING_MALFORMED"],
  ["with a nested cnf", (thumbprint) => ({ cnf: { "x5t#S256": thumbprint } }), "ERR_BINDING_UNSUPPORTED"],
  ...["x5t#s256", "X5T#S256", "x5t", "x5tS256", "x5t_S256", "x5t%23S256", "x5t#S256 ", "x5t#S384"].map(
    (member) =>
      [
        `with a thumbprint as ${JSON.stringify(member)}`,
        (text: string) => ({ [member]: text }),
        "ERR_BINDING_UNSUPPORTED",
      ] as const,
  ),
];

/** Other binding methods (RFC 7800 section 3, RFC 9449 section 6.1). */
const otherMethods: readonly (readonly [name: string, cnf: object])[] = [
  ["jkt", { jkt: JKT }],
  ["jwk", { jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA" } }],
  ["jwe", { jwe: "e30...." }],
  ["kid", { kid: "key-1" }],
  ["jku", { jku: "https://client.example/keys", kid: "key-1" }],
  ["x5u", { x5u: "https://client.example/certificate" }],
  ["a future method", { "x5t#S512": "AA" }],
];

export const cases: readonly ConformanceCase[] = [
  ...otherThumbprints.map(([name, thumbprint, code]) =>
    rejects("M-06", `a thumbprint ${name}`, {
      accepted: bound,
      rejected: confirming((own) => ({ "x5t#S256": thumbprint(own) })),
      code,
    }),
  ),
  ...malformedConfirmations.map(([name, cnf, code]) =>
    rejects("M-07", `a confirmation ${name}`, {
      api: whenBound,
      accepted: bound,
      rejected: confirming(({ thumbprint }) => cnf(thumbprint)),
      code,
    }),
  ),
  ...["Cnf", "CNF", "cnf ", "confirmation"].map((name) =>
    rejects("M-07", `a confirmation in the claim ${JSON.stringify(name)}`, {
      accepted: bound,
      rejected: {
        token: ({ token, own }) => token({ claims: { cnf: undefined, [name]: { "x5t#S256": own.thumbprint } } }),
      },
      code: "ERR_BINDING_REQUIRED",
    }),
  ),
  rejects("M-07", "a confirmation in the header", {
    accepted: { token: ({ token, own }) => token({ header: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: {
      token: ({ token, own }) => token({ header: { cnf: { "x5t#S256": own.thumbprint } }, claims: { cnf: undefined } }),
    },
    code: "ERR_BINDING_REQUIRED",
  }),
  ...otherMethods.map(([name, cnf]) =>
    rejects("M-08", `a token that is bound by ${name} where tokens may be unbound`, {
      api: whenBound,
      accepted: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
      rejected: confirming(() => cnf),
      code: "ERR_BINDING_UNSUPPORTED",
    }),
  ),
  rejects("M-08", "a token that is also bound by jkt", {
    accepted: bound,
    rejected: confirming(({ thumbprint }) => ({
      "x5t#S256": thumbprint,
      jkt: JKT,
    })),
    code: "ERR_BINDING_UNSUPPORTED",
  }),
];

function hash(content: Uint8Array | string, algorithm = "sha256"): Buffer {
  return createHash(algorithm).update(content).digest();
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function publicKey({ der }: Identity): X509Certificate["publicKey"] {
  return new X509Certificate(Buffer.from(der)).publicKey;
}

/** Returns the JWK thumbprint (RFC 7638 section 3), as in a jkt. */
function jwkThumbprint(own: Identity): string {
  const { crv, kty, x, y } = publicKey(own).export({ format: "jwk" });
  return hash(JSON.stringify({ crv, kty, x, y })).toString("base64url");
}

/** Sets an unused bit: two bits of the last of 43 characters do not belong to a byte. */
function withUnusedBits({ thumbprint }: Identity): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return thumbprint.slice(0, -1) + alphabet.charAt(alphabet.indexOf(thumbprint.slice(-1)) + 1);
}

/** Swaps the letter case, except of the last character, which might not be valid in a thumbprint otherwise. */
function swappedCase(thumbprint: string): string {
  const swapped = thumbprint.replaceAll(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return swapped.slice(0, -1) + thumbprint.slice(-1);
}
