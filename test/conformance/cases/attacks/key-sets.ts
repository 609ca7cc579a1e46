import { generateKeyPairSync } from "node:crypto";
import { type Api, type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { type IssuerKey, issuerKey } from "../../issuer-keys.ts";
import type { RawToken } from "../../raw-token.ts";
import type { Scene } from "../../scene.ts";
import { hmac } from "../../signers.ts";

const SECRET = "a secret that the issuer shares with nobody";

/** Keys on curves that no algorithm here is for, each published as one of ES256 or of EdDSA. */
const strays = {
  "P-384 for ES256": madeOnce(() => generateKeyPairSync("ec", { namedCurve: "P-384" }), "ES256"),
  "secp256k1 for ES256": madeOnce(() => generateKeyPairSync("ec", { namedCurve: "secp256k1" }), "ES256"),
  "Ed448 for EdDSA": madeOnce(() => generateKeyPairSync("ed448"), "EdDSA"),
} as const;

/** The key of the issuer many times, published in ways in which it may not be used, and others beside it. */
const withOddKeys: Api = {
  verifier: (scene) => ({ jwks: { keys: [...scene.jwks.keys, ...Object.entries(oddKeys(scene)).map(named)] } }),
};

/** Names what is published as its kid does. */
function named([kid, jwk]: readonly [string, object]): IssuerKey["jwk"] {
  return { ...(jwk as IssuerKey["jwk"]), kid };
}

function oddKeys({ keys }: Scene): Readonly<Record<string, object>> {
  const { jwk, privateKey } = keys.ES256;
  const { use: _use, ...withoutUse } = jwk;
  return {
    "without use": withoutUse,
    "for encryption": { ...jwk, use: "enc" },
    "of another use": { ...jwk, use: "SIG" },
    "for encryption by its operations": { ...withoutUse, key_ops: ["encrypt"] },
    "that only signs": { ...withoutUse, key_ops: ["sign"] },
    "without operations": { ...withoutUse, key_ops: [] },
    "with a text for its operations": { ...withoutUse, key_ops: "verify" },
    private: { ...jwk, d: privateKey.export({ format: "jwk" }).d },
    symmetric: { kty: "oct", k: Buffer.from(SECRET).toString("base64url"), alg: "HS256", use: "sig" },
    "symmetric, for ES256": { kty: "oct", k: Buffer.from(SECRET).toString("base64url"), alg: "ES256", use: "sig" },
    "symmetric and empty": { kty: "oct", k: "", alg: "HS256", use: "sig" },
    "not on its curve": { ...jwk, y: nextByte(jwk.y ?? "") },
    "at the point zero": { ...jwk, x: zeros(32), y: zeros(32) },
    "of half a point": { ...jwk, y: undefined },
    "with a coordinate that is too short": { ...jwk, x: zeros(16) },
    ...Object.fromEntries(Object.entries(strays).map(([name, key]) => [name, key().jwk])),
  };
}

/** A token that names a key by its kid, and is signed rightly. */
function naming(kid: string, differences: RawToken = {}): Attempt {
  return { token: ({ token }) => token({ ...differences, header: { ...differences.header, kid } }) };
}

export const cases: readonly ConformanceCase[] = [
  ...[
    "for encryption",
    "of another use",
    "for encryption by its operations",
    "that only signs",
    "without operations",
    "with a text for its operations",
  ].map((kid) =>
    rejects("C-14", `a token that is signed by a key ${kid}`, {
      api: withOddKeys,
      accepted: naming("without use"),
      rejected: naming(kid),
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  rejects("C-04", "a token that is signed by a key whose private part is published", {
    api: withOddKeys,
    accepted: naming("without use"),
    rejected: naming("private"),
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  ...(
    [
      ["symmetric", SECRET],
      ["symmetric and empty", ""],
    ] as const
  ).map(([kid, secret]) =>
    rejects("C-04", `an HMAC by a published key that is ${kid}`, {
      api: withOddKeys,
      accepted: naming("without use"),
      rejected: naming(kid, { header: { alg: "HS256" }, signer: hmac("sha256", secret) }),
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ),
  rejects("C-04", "an HMAC that calls itself ES256, by a published key that is symmetric", {
    api: withOddKeys,
    accepted: naming("without use"),
    rejected: naming("symmetric, for ES256", { signer: hmac("sha256", SECRET) }),
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  ...(["P-384 for ES256", "secp256k1 for ES256", "Ed448 for EdDSA"] as const).map((name) =>
    rejects("C-10", `a right signature by a key on ${name}`, {
      api: withOddKeys,
      accepted: { token: ({ token, keys }) => token({ key: keys.ES384 }) },
      rejected: { token: ({ token }) => token({ key: strays[name](), header: { kid: name } }) },
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  ...["not on its curve", "at the point zero", "of half a point", "with a coordinate that is too short"].map((kid) =>
    rejects(["C-13", "8725-04", "E-02"], `a token that names a published key ${kid}, and goes on with the others`, {
      api: withOddKeys,
      accepted: naming("without use"),
      rejected: naming(kid),
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

/** Makes a key when it is first asked for, and the same one from then on. */
function madeOnce(generate: () => Parameters<typeof issuerKey>[0], algorithm: IssuerKey["algorithm"]): () => IssuerKey {
  let key: IssuerKey | undefined;
  return () => (key ??= issuerKey(generate(), { algorithm, kid: "stray" }));
}
