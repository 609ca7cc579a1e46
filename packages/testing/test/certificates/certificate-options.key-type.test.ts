import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { keyTypeOf } from "../../src/certificates/certificate-options.ts";
import { createSelfSignedCertificate } from "../../src/certificates/certificate-authority.ts";

test.each(["ec", "rsa", "ed25519"] as const)("keyTypeOf returns %s", async (keyType) => {
  const { key } = await createSelfSignedCertificate({ keyType });
  expect(keyTypeOf(key)).toBe(keyType);
});

test.each([
  ["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
  ["Ed448", generateKeyPairSync("ed448")],
] as const)("keyTypeOf rejects %s", (_, { privateKey }) => {
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  expect(() => keyTypeOf(pem)).toThrow(TypeError);
});
