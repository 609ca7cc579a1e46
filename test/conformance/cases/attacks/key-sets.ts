import { generateKeyPairSync } from "node:crypto";
import { type Api, type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { type IssuerKey, issuerKey } from "../../issuer-keys.ts";
import type { RawToken } from "../../raw-token.ts";
import type { Scene } from "../../scene.ts";
import { hmac } from "../../signers.ts";

const SECRET = "a secret that only the issuer knows";

/** Keys on unsupported curves, published for ES256 or EdDSA. */
const wrongCurves = {
  "P-384 for ES256": lazy(() => generateKeyPairSync("ec", { namedCurve: "P-384" }), "ES256"),
  "secp256k1 for ES256": lazy(() => generateKeyPairSync("ec", { namedCurve: "secp256k1" }), "ES256"),
  "Ed448 for EdDSA": lazy(() => generateKeyPairSync("ed448"), "EdDSA"),
} as const;

/** The keys of the issuer, and keys that must not be used, most of them the ES256 key with changed members. */
const withOddKeys: Api = {
  verifier: (scene) => ({ jwks: { keys: [...scene.jwks.keys, ...Object.entries(oddKeys(scene)).map(withKid)] } }),
};

/** Sets the kid of a published key. */
function withKid([kid, jwk]: readonly [string, object]): IssuerKey["jwk"] {
  return { ...(jwk as IssuerKey["jwk"]), kid };
}

function oddKeys({ keys }: Scene): Readonly<Record<string, object>> {
  const { jwk, privateKey } = keys.ES256;
  const { use: _use, ...withoutUse } = jwk;
  return {
    "without use": withoutUse,
    "for encryption": { ...jwk, use: "enc" },
    "with another use": { ...jwk, use: "SIG" },
    "with encrypt in key_ops": { ...withoutUse, key_ops: ["encrypt"] },
    "with only sign in key_ops": { ...withoutUse, key_ops: ["sign"] },
    "with empty key_ops": { ...withoutUse, key_ops: [] },
    "with a string as key_ops": { ...withoutUse, key_ops: "verify" },
    private: { ...jwk, d: privateKey.export({ format: "jwk" }).d },
    symmetric: { kty: "oct", k: Buffer.from(SECRET).toString("base64url"), alg: "HS256", use: "sig" },
    "symmetric, for ES256": { kty: "oct", k: Buffer.from(SECRET).toString("base64url"), alg: "ES256", use: "sig" },
    "symmetric and empty": { kty: "oct", k: "", alg: "HS256", use: "sig" },
    "not on its curve": { ...jwk, y: nextByte(jwk.y ?? "") },
    "at the point (0, 0)": { ...jwk, x: zeros(32), y: zeros(32) },
    "without a y coordinate": { ...jwk, y: undefined },
    "with a short x coordinate": { ...jwk, x: zeros(16) },
    ...Object.fromEntries(Object.entries(wrongCurves).map(([name, key]) => [name, key().jwk])),
  };
}

/** Returns a token with this kid and a valid signature, apart from the differences. */
function withKeyId(kid: string, differences: RawToken = {}): Attempt {
  return { token: ({ token }) => token({ ...differences, header: { ...differences.header, kid } }) };
}

export const cases: readonly ConformanceCase[] = [
  ...[
    "for encryption",
    "with another use",
    "with encrypt in key_ops",
    "with only sign in key_ops",
    "with empty key_ops",
    "with a string as key_ops",
  ].map((kid) =>
    rejects("C-14", `a token signed by a key ${kid}`, {
      api: withOddKeys,
      accepted: withKeyId("without use"),
      rejected: withKeyId(kid),
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  rejects("C-04", "a token signed by a key whose private part is published", {
    api: withOddKeys,
    accepted: withKeyId("without use"),
    rejected: withKeyId("private"),
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  ...(
    [
      ["symmetric", SECRET],
      ["symmetric and empty", ""],
    ] as const
  ).map(([kid, secret]) =>
    rejects("C-04", `an HMAC with a published key that is ${kid}`, {
      api: withOddKeys,
      accepted: withKeyId("without use"),
      rejected: withKeyId(kid, { header: { alg: "HS256" }, signer: hmac("sha256", secret) }),
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("C-04", "an HMAC with alg ES256 and a published symmetric key", {
    api: withOddKeys,
    accepted: withKeyId("without use"),
    rejected: withKeyId("symmetric, for ES256", { signer: hmac("sha256", SECRET) }),
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  ...(["P-384 for ES256", "secp256k1 for ES256", "Ed448 for EdDSA"] as const).map((name) =>
    rejects("C-10", `a valid signature by a key on ${name}`, {
      api: withOddKeys,
      accepted: { token: ({ token, keys }) => token({ key: keys.ES384 }) },
      rejected: { token: ({ token }) => token({ key: wrongCurves[name](), header: { kid: name } }) },
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  ...["not on its curve", "at the point (0, 0)", "without a y coordinate", "with a short x coordinate"].map((kid) =>
    rejects(["C-13", "8725-04", "E-02"], `a token signed by a published key ${kid}, and accepts the other keys`, {
      api: withOddKeys,
      accepted: withKeyId("without use"),
      rejected: withKeyId(kid),
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
];

function nextByte(coordinate: string): string {
  const bytes = Buffer.from(coordinate, "base64url");
  bytes[31] = ((bytes[31] ?? 0) + 1) % 256;
  return bytes.toString("base64url");
}

function zeros(length: number): string {
  return Buffer.alloc(length).toString("base64url");
}

/** Creates the key on the first call, and returns the same key afterwards. */
function lazy(generate: () => Parameters<typeof issuerKey>[0], algorithm: IssuerKey["algorithm"]): () => IssuerKey {
  let key: IssuerKey | undefined;
  return () => (key ??= issuerKey(generate(), { algorithm, kid: "wrong-curve" }));
}
