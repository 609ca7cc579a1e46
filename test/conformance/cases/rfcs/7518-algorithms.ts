import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { expect } from "vitest";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { issuerKey, jwkWithoutAlg } from "../../issuer-keys.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

const generate = promisify(generateKeyPair);

/** The key has no `alg`, and the API accepts only the fully specified algorithm. */
const onlyFullySpecified: Api = {
  verifier: ({ keys }) => ({
    jwks: { keys: [jwkWithoutAlg(keys.Ed25519)] },
    algorithms: ["Ed25519"],
  }),
};

export const cases: readonly ConformanceCase[] = [
  conforms(["7518-01", "C-09"], "rejects a token that is signed by an RSA key of 2047 bits", async ({ scene }) => {
    const { own, keys, jwks, token } = scene;
    const weak = issuerKey(await generate("rsa", { modulusLength: 2047 }), { algorithm: "RS256", kid: "weak" });
    const verifier = verifierOf({ jwks: { keys: [...jwks.keys, weak.jwk] } });
    const verify = (key: typeof weak) => outcomeOf(verifier.verify(token({ key }), { clientCertificate: own.der }));
    expect(await verify(keys.RS256)).toBe("accepted");
    expect(await verify(weak)).toBe("ERR_TOKEN_KEY_UNKNOWN");
  }),
  rejects("9864-01", "EdDSA if the API accepts only Ed25519", {
    api: onlyFullySpecified,
    accepted: { token: ({ token, keys }) => token({ key: keys.Ed25519, header: { alg: "Ed25519" } }) },
    rejected: { token: ({ token, keys }) => token({ key: keys.Ed25519, header: { alg: "EdDSA" } }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
];
