import { createCipheriv, constants, publicEncrypt, randomBytes } from "node:crypto";
import { expect } from "vitest";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { Part, RawToken } from "../../raw-token.ts";
import type { Scene } from "../../scene.ts";
import { constant, type Signer, signers } from "../../signers.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

const parts: readonly Part[] = ["header", "payload", "signature"];

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Encodings of the same bytes that lenient decoders accept, without line breaks, which a header cannot contain. */
const spellings: readonly (readonly [name: string, write: (base64url: string) => string])[] = [
  ["padding", (text) => `${text}=`],
  ["two padding characters", (text) => `${text}==`],
  ["the standard alphabet", (text) => text.replaceAll("-", "+").replaceAll("_", "/")],
  [
    "nonzero unused bits in the last character",
    (text) => text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1),
  ],
];

/** Signs until the signature has a character that differs between the two alphabets. */
const withSpecialCharacter: Signer = (input, key) => {
  const signature = signers.ES256(input, key);
  return /[-_]/.test(signature.toString("base64url")) ? signature : withSpecialCharacter(input, key);
};

/** A token in which every part has such a character, and unused bits in its last character. */
const allEncodings: RawToken = {
  header: { note: "???" },
  claims: { note: "???" },
  headerText: withUnusedBits,
  payloadText: withUnusedBits,
  signer: withSpecialCharacter,
};

/** Texts that lenient parsers treat as the end of a token, or ignore. */
const tails: readonly (readonly [name: string, tail: string])[] = [
  ["a fourth part", ".e30"],
  ["an empty fourth part", "."],
  ["a tilde, as in an SD-JWT", "~"],
  ["an escaped NUL", "%00"],
  ["an escaped line break", "%0d%0a"],
  ["a semicolon", ";"],
  ["a character outside the alphabet", "!"],
  ["a fragment", "#x"],
];

/** JSON serializations without a comma. Credentials with a comma are rejected as a malformed request. */
const serializations: readonly (readonly [name: string, join: NonNullable<RawToken["join"]>])[] = [
  ["as the name of a JSON member", (...all) => JSON.stringify({ [all.join(".")]: "" })],
  ["as the value of a JSON member", (...all) => JSON.stringify({ token: all.join(".") })],
  ["as a JSON string", (...all) => JSON.stringify(all.join("."))],
  ["in a JSON array", (...all) => JSON.stringify([all.join(".")])],
];

/** The JSON serialization (RFC 7515 section 7.2), and texts that both kinds of parser accept (CVE-2022-39227). */
const withCommas: typeof serializations = [
  ["flattened", (header, payload, signature) => JSON.stringify({ protected: header, payload, signature })],
  [
    "general",
    (header, payload, signature) => JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
  ],
  [
    "flattened, with the compact form as a member name",
    (...all) => {
      const [header, payload, signature] = all;
      return JSON.stringify({ [all.join(".")]: "", protected: header, payload, signature });
    },
  ],
];

function joined(join: NonNullable<RawToken["join"]>): Attempt {
  return { token: ({ token }) => token({ join }) };
}

export const cases: readonly ConformanceCase[] = [
  ...parts.flatMap((changedPart) =>
    spellings.map(([name, write]) =>
      rejects(["F-01", "7515-02"], `${name} in the ${changedPart}`, {
        accepted: { token: ({ token }) => token(allEncodings) },
        rejected: {
          token: ({ token }) =>
            token({
              ...allEncodings,
              encode: (bytes, part) => (part === changedPart ? write : String)(bytes.toString("base64url")),
            }),
        },
        code: "ERR_TOKEN_MALFORMED",
      }),
    ),
  ),
  ...tails.map(([name, tail]) =>
    rejects(["F-02", "7515-01"], `a token followed by ${name}`, {
      accepted: { token: ({ token }) => token() },
      rejected: joined((...all) => all.join(".") + tail),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  rejects("F-02", "a part before the token", {
    accepted: { token: ({ token }) => token() },
    rejected: joined((...all) => ["e30", ...all].join(".")),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects(["F-03", "8725-03"], "a token that is encrypted with the public key and contains unsigned claims", {
    accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
    rejected: {
      token: (scene) => encrypted(scene, scene.token({ header: { alg: "none" }, signer: constant(Buffer.alloc(0)) })),
    },
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects(["F-03", "8725-03"], "a valid token that is encrypted with the public key", {
    accepted: { token: ({ token }) => token() },
    rejected: { token: (scene) => encrypted(scene, scene.token()) },
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects(["F-03", "8725-03"], "five parts like an encrypted token, of which the first three are a valid token", {
    accepted: { token: ({ token }) => token() },
    rejected: joined((...all) => [...all, "", ""].join(".")),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("8725-03", "a valid token in the payload of an unsigned one", {
    accepted: { token: ({ token }) => token({ header: { cty: "JWT" } }) },
    rejected: {
      token: ({ token }) =>
        token({ header: { cty: "JWT", alg: "none" }, payloadText: () => token(), signer: constant(Buffer.alloc(0)) }),
    },
    code: "ERR_TOKEN_MALFORMED",
  }),
  ...serializations.map(([name, join]) =>
    rejects("F-04", `a token ${name}`, {
      accepted: { token: ({ token }) => token() },
      rejected: joined(join),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  ...withCommas.map(([name, join]) =>
    rejects("F-04", `the JSON serialization, ${name}`, {
      accepted: { token: ({ token }) => token(), request: {} },
      rejected: { ...joined(join), request: {} },
      code: "ERR_REQUEST_MALFORMED",
    }),
  ),
  ...withCommas.map(([name, join]) =>
    conforms("F-04", `rejects the JSON serialization passed to verify, ${name}`, async ({ scene }) => {
      const verifier = verifierOf({ jwks: scene.jwks });
      const verify = (token: string) => outcomeOf(verifier.verify(token, { clientCertificate: scene.own.der }));
      expect(await verify(scene.token())).toBe("accepted");
      expect(await verify(scene.token({ join }))).toBe("ERR_TOKEN_MALFORMED");
    }),
  ),
];

/** Pads JSON with white space so that its base64url ends with unused bits. */
function withUnusedBits(json: string): string {
  return json + " ".repeat((4 - (json.length % 3)) % 3);
}

/** Encrypts with RSA-OAEP-256 and A256GCM (RFC 7516 section 5.1) to the signing key of the issuer. */
function encrypted({ keys }: Scene, text: string): string {
  const header = { alg: "RSA-OAEP-256", enc: "A256GCM", cty: "JWT", typ: "at+jwt", kid: keys.RS256.jwk.kid };
  const first = Buffer.from(JSON.stringify(header)).toString("base64url");
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const encryptedKey = publicEncrypt({ key: keys.RS256.publicKey, padding, oaepHash: "sha256" }, key);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(first));
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]);
  return [first, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString("base64url"))].join(
    ".",
  );
}
