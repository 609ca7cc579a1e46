import { AccessTokenError, createVerifier, type Verifier } from "@certbound/core";
import { createTestKit } from "@certbound/testing";

export async function verifierOfKit(): Promise<Verifier> {
  const kit = await createTestKit();
  return createVerifier(kit.verifierOptions);
}

export async function codeOf(verifier: Verifier, token: string): Promise<string> {
  try {
    await verifier.verify(token, { clientCertificate: null });
    return "";
  } catch (error) {
    return error instanceof AccessTokenError ? error.code : "";
  }
}

// @ts-expect-error: an unknown option is an error if the types are found.
createVerifier({ unknown: true });
