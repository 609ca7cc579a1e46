import type { Identity } from "@certbound/testing";
import { createHash, X509Certificate } from "node:crypto";
import { type Api, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { bound, confirming } from "../../confirming.ts";

const JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

/** Texts that stand for the client's certificate, and are not its SHA-256 in base64url. */
const otherThumbprints: readonly (readonly [
  name: string,
  thumbprint: (own: Identity) => string,
  code: "ERR_BINDING_MALFORMED" | "ERR_BINDING_MISMATCH",
])[] = [
  ["in hexadecimal digits", ({ der }) => hash(der).toString("hex"), "ERR_BINDING_MALFORMED"],
  ["in capital hexadecimal digits", ({ der }) => hash(der).toString("hex").toUpperCase(), "ERR_BINDING_MALFORMED"],
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
  ["with a character more", ({ thumbprint }) => `${thumbprint}A`, "ERR_BINDING_MALFORMED"],
  ["twice", ({ thumbprint }) => thumbprint + thumbprint, "ERR_BINDING_MALFORMED"],
  ["behind a space", ({ thumbprint }) => ` ${thumbprint}`, "ERR_BINDING_MALFORMED"],
  ["before a line break", ({ thumbprint }) => `${thumbprint}\n`, "ERR_BINDING_MALFORMED"],
  ["with loose bits", withLooseBits, "ERR_BINDING_MALFORMED"],
  ["of the other letter case", ({ thumbprint }) => swappedCase(thumbprint), "ERR_BINDING_MISMATCH"],
  ["by SHA-1", ({ der }) => hash(der, "sha1").toString("base64url"), "ERR_BINDING_MALFORMED"],
  ["by SHA-512", ({ der }) => hash(der, "sha512").toString("base64url"), "ERR_BINDING_MALFORMED"],
  ["by SHA3-256", ({ der }) => hash(der, "sha3-256").toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["by SHA-256 twice", ({ der }) => hash(hash(der)).toString("base64url"), "ERR_BINDING_MISMATCH"],
  ["of its PEM", ({ certificate }) => hash(certificate).toString("base64url"), "ERR_BINDING_MISMATCH"],
  [
    "of its base64",
    ({ der }) => hash(Buffer.from(der).toString("base64")).toString("base64url"),
    "ERR_BINDING_MISMATCH",
  ],
  [
    "of its public key",
    (own) => hash(publicKey(own).export({ type: "spki", format: "der" })).toString("base64url"),
    "ERR_BINDING_MISMATCH",
  ],
  ["of its public key as a JWK", jwkThumbprint, "ERR_BINDING_MISMATCH"],
];

/** Confirmations that look like one of the certificate where they are not read strictly. */
const otherShapes: readonly (readonly [
  name: string,
  cnf: (thumbprint: string) => unknown,
  code: "ERR_BINDING_REQUIRED" | "ERR_BINDING_MALFORMED" | "ERR_BINDING_UNSUPPORTED",
])[] = [
  ["null", () => null, "ERR_BINDING_MALFORMED"],
  ["false", () => false, "ERR_BINDING_MALFORMED"],
  ["empty text", () => "", "ERR_BINDING_MALFORMED"],
  ["the thumbprint", (thumbprint) => thumbprint, "ERR_BINDING_MALFORMED"],
  ["JSON within JSON", (thumbprint) => JSON.stringify({ "x5t#S256": thumbprint }), "ERR_BINDING_MALFORMED"],
  ["a list of one", (thumbprint) => [{ "x5t#S256": thumbprint }], "ERR_BINDING_MALFORMED"],
  ["a list of nothing", () => [], "ERR_BINDING_MALFORMED"],
  ["empty", () => ({}), "ERR_BINDING_MALFORMED"],
  ["of a list of thumbprints", (thumbprint) => ({ "x5t#S256": [thumbprint] }), "ERR_BINDING_MALFORMED"],
  ["of an object", (thumbprint) => ({ "x5t#S256": { value: thumbprint } }), "ERR_BINDING_MALFORMED"],
  ["of null", () => ({ "x5t#S256": null }), "ERR_BINDING_MALFORMED"],
  ["of true", () => ({ "x5t#S256": true }), "ERR_BINDING_MALFORMED"],
  ["within another", (thumbprint) => ({ cnf: { "x5t#S256": thumbprint } }), "ERR_BINDING_UNSUPPORTED"],
  ...["x5t#s256", "X5T#S256", "x5t", "x5tS256", "x5t_S256", "x5t%23S256", "x5t#S256 ", "x5t#S384"].map(
    (member) =>
      [
        `by the name ${JSON.stringify(member)}`,
        (text: string) => ({ [member]: text }),
        "ERR_BINDING_UNSUPPORTED",
      ] as const,
  ),
];

/** What else a token can be bound by (RFC 7800 section 3, RFC 9449 section 6.1). */
const otherMethods: readonly (readonly [name: string, cnf: object])[] = [
  ["jkt", { jkt: JKT }],
  ["jwk", { jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA" } }],
  ["jwe", { jwe: "e30...." }],
  ["kid", { kid: "key-1" }],
  ["jku", { jku: "https://client.example/keys", kid: "key-1" }],
  ["x5u", { x5u: "https://client.example/certificate" }],
  ["a method of the future", { "x5t#S512": "AA" }],
];

export const cases: readonly ConformanceCase[] = [
  ...otherThumbprints.map(([name, thumbprint, code]) =>
    rejects("M-06", `a thumbprint ${name}`, {
      accepted: bound,
      rejected: confirming((own) => ({ "x5t#S256": thumbprint(own) })),
      code,
    }),
  ),
  ...otherShapes.map(([name, cnf, code]) =>
    rejects("M-07", `a confirmation that is ${name}`, {
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
    rejects("M-08", `a token that is bound by ${name}, where a token need not be bound`, {
      api: whenBound,
      accepted: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
      rejected: confirming(() => cnf),
      code: "ERR_BINDING_UNSUPPORTED",
    }),
  ),
  rejects("M-08", "a token that is bound by jkt as well", {
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

/** RFC 7638 section 3, as a jkt has it. */
function jwkThumbprint(own: Identity): string {
  const { crv, kty, x, y } = publicKey(own).export({ format: "jwk" });
  return hash(JSON.stringify({ crv, kty, x, y })).toString("base64url");
}

/** The last of 43 characters holds two bits that belong to no byte. */
function withLooseBits({ thumbprint }: Identity): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return thumbprint.slice(0, -1) + alphabet.charAt(alphabet.indexOf(thumbprint.slice(-1)) + 1);
}

/** Keeps the last character, which could not be one of a thumbprint otherwise. */
function swappedCase(thumbprint: string): string {
  const swapped = thumbprint.replaceAll(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return swapped.slice(0, -1) + thumbprint.slice(-1);
}
