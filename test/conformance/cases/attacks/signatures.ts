import { type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import {
  changed,
  constant,
  ecdsa,
  pkcs1,
  pss,
  type Signer,
  signers,
  withAddedOrder,
  withNegatedS,
} from "../../signers.ts";

/** Returns a token with the issuer's key for an algorithm, signed by this signer. */
function signed(algorithm: "ES256" | "RS256" | "PS256" | "Ed25519", signer: Signer): Attempt {
  return { token: ({ token, keys }) => token({ key: keys[algorithm], signer }) };
}

const malleable = signed("ES256", changed(signers.ES256, withNegatedS));

export const cases: readonly ConformanceCase[] = [
  rejects(["C-07", "7515-05"], "an RS256 signature with SHA-1 in its DigestInfo", {
    accepted: signed("RS256", pkcs1("sha256")),
    rejected: signed("RS256", pkcs1("sha1")),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  ...[0, 31, 33, 64].map((length) =>
    rejects(["C-08", "7518-02"], `a PS256 signature with a salt of ${length} bytes`, {
      accepted: signed("PS256", pss("sha256", 32)),
      rejected: signed("PS256", pss("sha256", length)),
      code: "ERR_TOKEN_SIGNATURE",
    }),
  ),
  rejects(["C-11", "7518-03"], "a signature in DER", {
    accepted: signed("ES256", ecdsa("sha256")),
    rejected: signed("ES256", ecdsa("sha256", "der")),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("C-11", "a signature whose r and s are zero", {
    accepted: signed("ES256", signers.ES256),
    rejected: signed("ES256", constant(new Uint8Array(64))),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("C-11", "an Ed25519 signature that is valid except that S is out of range", {
    accepted: signed("Ed25519", signers.Ed25519),
    rejected: signed("Ed25519", changed(signers.Ed25519, withAddedOrder)),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects("C-12", "a stolen token with s replaced by n - s", {
    accepted: malleable,
    rejected: { ...malleable, certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
];
