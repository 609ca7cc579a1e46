import { setImmediate as nextTurn } from "node:timers/promises";
import { createSelfSignedCertificate } from "@certbound/testing";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { createTlsWarning } from "../../src/options/unverified-tls.ts";

const issuer = "https://as.example";
const audience = "https://api.example";
const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] };
const { certificate: cert, key } = await createSelfSignedCertificate();
const secret = { clientId: "api", clientSecret: "secret" };
const mutualTls = { clientId: "api", clientTls: { cert, key } };

/** Collects the codes of certbound's warnings during a test. */
function collectWarnings(): readonly unknown[] {
  const collected: unknown[] = [];
  const listener = (warning: Error & { readonly code?: string }): void => {
    if (warning.name === "CertboundWarning") collected.push(warning.code);
  };
  process.on("warning", listener);
  onTestFinished(() => void process.off("warning", listener));
  return collected;
}

/** Returns the codes of the warnings for configurations in one process. */
async function warningsAbout(...configured: readonly VerifierOptions[]): Promise<readonly unknown[]> {
  const codes = collectWarnings();
  const warn = createTlsWarning();
  for (const options of configured) warn(parseVerifierOptions({ audience, ...options }));
  await nextTurn();
  return codes;
}

const warning = ["CERTBOUND_TLS_UNVERIFIED"];

beforeEach(() => void vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0"));
afterEach(() => void vi.unstubAllEnvs());

describe("with NODE_TLS_REJECT_UNAUTHORIZED=0, a warning is emitted", () => {
  test.each<[string, VerifierOptions, VerifierOptions]>([
    ["finds keys by discovery", { issuer }, { issuer: "http://127.0.0.1:1" }],
    ["fetches keys from a URL", { issuer, jwks: `${issuer}/jwks` }, { issuer, jwks: "http://127.0.0.1:1/jwks" }],
    ["uses the global fetch", { issuer, fetch }, { issuer, fetch: async (...request) => fetch(...request) }],
    [
      "has a second issuer that finds keys by discovery",
      { issuer: [{ issuer, jwks }, { issuer: "https://b.example" }] },
      { issuer, jwks },
    ],
    [
      "has an introspection endpoint",
      { issuer, jwks, introspection: { ...secret, endpoint: `${issuer}/introspect` } },
      { issuer, jwks, introspection: { ...secret, endpoint: "http://127.0.0.1:1/introspect" } },
    ],
    [
      "finds its introspection endpoint by discovery",
      { issuer, jwks, introspection: secret },
      { issuer: "http://127.0.0.1:1", jwks, introspection: secret },
    ],
    [
      "finds an introspection endpoint for clientTls by discovery",
      { issuer, jwks, introspection: mutualTls },
      { issuer, jwks, introspection: { ...mutualTls, endpoint: `${issuer}/introspect` } },
    ],
    [
      "calls an introspection endpoint for mutual TLS with the global fetch",
      {
        issuer,
        jwks,
        fetch,
        introspection: {
          clientId: "api",
          clientAuthentication: "self_signed_tls_client_auth",
          endpoint: `${issuer}/introspect`,
        },
      },
      {
        issuer,
        jwks,
        introspection: {
          ...mutualTls,
          clientAuthentication: "self_signed_tls_client_auth",
          endpoint: `${issuer}/introspect`,
        },
      },
    ],
  ])(
    "for a verifier that %s, but not for a similar verifier that is not affected",
    async (_name, unverified, similar) => {
      expect(await warningsAbout(similar)).toEqual([]);
      expect(await warningsAbout(unverified)).toEqual(warning);
    },
  );

  test("once for several verifiers", async () => {
    expect(await warningsAbout({ issuer, jwks }, { issuer }, { issuer }, { issuer: "https://b.example" })).toEqual(
      warning,
    );
  });
});

test.each([undefined, "", "1", "00", "0 ", "false"])(
  "no warning is emitted if NODE_TLS_REJECT_UNAUTHORIZED is %j, which does not disable verification",
  async (value) => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", value);
    expect(await warningsAbout({ issuer })).toEqual([]);
  },
);

test("createVerifier emits the warning once in a process", async () => {
  // Reset, because another test may have emitted the warning in this process.
  vi.resetModules();
  const { createVerifier } = await import("../../src/verifier.ts");
  const codes = collectWarnings();
  for (const options of [{ jwks }, {}, {}]) createVerifier({ issuer, audience, ...options });
  await nextTurn();
  expect(codes).toEqual(warning);
});
