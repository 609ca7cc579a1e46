import { createPublicKey, type KeyObject } from "node:crypto";
import { type Api, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { jwkWithoutAlg } from "../../issuer-keys.ts";
import { constant, ecdsa, hmac, pkcs1, pss, signers } from "../../signers.ts";

const unsigned = constant(new Uint8Array());

/** Keys without `alg`, so that the token determines the algorithm. */
const withoutAlg: Api = {
  verifier: ({ keys }) => ({ jwks: { keys: [jwkWithoutAlg(keys.ES256), jwkWithoutAlg(keys.RS256)] } }),
};

const onlyRs256: Api = {
  verifier: ({ keys }) => ({ jwks: { keys: [jwkWithoutAlg(keys.RS256)] }, algorithms: ["RS256"] }),
};

const onlyEs384: Api = { verifier: () => ({ algorithms: ["ES384"] }) };

/** Encodings of the public key that a verifier could use as an HMAC secret. */
const secrets: readonly (readonly [name: string, secret: (key: KeyObject) => string | Buffer])[] = [
  ["PEM", pem],
  ["PEM without its last line break", (key) => pem(key).trimEnd()],
  ["PEM after a line break", (key) => `\n${pem(key)}`],
  ["PEM in one line", (key) => pem(key).replaceAll("\n", "")],
  ["PEM of PKCS #1", (key) => key.export({ type: "pkcs1", format: "pem" }).toString()],
  ["DER", (key) => key.export({ type: "spki", format: "der" })],
  ["JWK", (key) => JSON.stringify(key.export({ format: "jwk" }))],
  ["the text of its modulus", (key) => key.export({ format: "jwk" }).n ?? ""],
  ["the bytes of its modulus", (key) => Buffer.from(key.export({ format: "jwk" }).n ?? "", "base64url")],
  ["an empty text", () => ""],
];

/** Values of other types, and texts that a lenient comparison treats as ES256. */
const oddAlgorithms: readonly unknown[] = [
  "es256",
  "Es256",
  "ES256 ",
  " ES256",
  "ES256\0",
  "ES256\n",
  "ＥＳ256",
  "ES256,none",
  ["ES256"],
  { alg: "ES256" },
  256,
  true,
  null,
  undefined,
];

export const cases: readonly ConformanceCase[] = [
  ...["none", "None", "NONE", "nOnE", "noNE", "none ", "none\0", ""].map((alg) =>
    rejects(["C-01", "7518-04", "8725-02"], `a token without a signature whose alg is ${JSON.stringify(alg)}`, {
      accepted: { token: ({ token }) => token() },
      rejected: { token: ({ token }) => token({ header: { alg }, signer: unsigned }) },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("C-01", "a token whose signature was removed", {
    rejected: { token: ({ token }) => token({ signer: unsigned }) },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  ...secrets.map(([name, secret]) =>
    rejects(["C-02", "C-03"], `an HMAC keyed with the public key as ${name}, if the key has no alg`, {
      api: withoutAlg,
      accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
      rejected: {
        token: ({ token, keys }) =>
          token({ key: keys.RS256, header: { alg: "HS256" }, signer: hmac("sha256", secret(keys.RS256.publicKey)) }),
      },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  ...(["HS256", "HS384", "HS512"] as const).map((alg) =>
    rejects("C-02", `${alg} keyed with the public key as PEM`, {
      accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
      rejected: {
        token: ({ token, keys }) =>
          token({
            key: keys.RS256,
            header: { alg },
            signer: hmac(alg.replace("HS", "sha"), pem(keys.RS256.publicKey)),
          }),
      },
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("C-02", "HS256 keyed with the PEM of an elliptic-curve key", {
    accepted: { token: ({ token }) => token() },
    rejected: {
      token: ({ token, keys }) =>
        token({ header: { alg: "HS256" }, signer: hmac("sha256", pem(createPublicKey(keys.ES256.privateKey))) }),
    },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  rejects("C-03", "PS256 by a key without alg if only RS256 is allowed", {
    api: onlyRs256,
    accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
    rejected: {
      token: ({ token, keys }) => token({ key: keys.RS256, header: { alg: "PS256" }, signer: signers.PS256 }),
    },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  ...oddAlgorithms.map((alg) =>
    rejects(
      "C-05",
      `a valid signature with ${alg === undefined ? "a missing alg" : `the alg ${JSON.stringify(alg)}`}`,
      {
        accepted: { token: ({ token }) => token({ header: { alg: "ES256" } }) },
        rejected: { token: ({ token }) => token({ header: { alg } }) },
        code: "ERR_TOKEN_ALGORITHM",
      },
    ),
  ),
  rejects(["8725-01", "C-06"], "a valid signature by an algorithm that the API does not allow", {
    api: onlyEs384,
    accepted: { token: ({ token, keys }) => token({ key: keys.ES384 }) },
    rejected: { token: ({ token, keys }) => token({ key: keys.ES256 }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
  ...(
    [
      ["RS512", pkcs1("sha512")],
      ["RS384", pkcs1("sha384")],
      ["PS256", pss("sha256", 32)],
    ] as const
  ).map(([alg, signer]) =>
    rejects(["C-06", "8725-01"], `a valid ${alg} signature by a key whose alg is RS256`, {
      accepted: { token: ({ token, keys }) => token({ key: keys.RS256 }) },
      rejected: { token: ({ token, keys }) => token({ key: keys.RS256, header: { alg }, signer }) },
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  rejects(["C-06", "8725-01"], "a valid PS384 signature by a key whose alg is PS256", {
    accepted: { token: ({ token, keys }) => token({ key: keys.PS256 }) },
    rejected: {
      token: ({ token, keys }) => token({ key: keys.PS256, header: { alg: "PS384" }, signer: pss("sha384", 48) }),
    },
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  rejects(["C-10", "7518-03"], "an ES384 signature by a key on P-256 without alg", {
    api: withoutAlg,
    accepted: { token: ({ token }) => token() },
    rejected: { token: ({ token }) => token({ header: { alg: "ES384" }, signer: ecdsa("sha384") }) },
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
];

function pem(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}
