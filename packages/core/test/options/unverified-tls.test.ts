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

/** Collects the codes of the warnings of certbound that are emitted while a test runs. */
function warningsHeard(): readonly unknown[] {
  const heard: unknown[] = [];
  const listener = (warning: Error & { readonly code?: string }): void => {
    if (warning.name === "CertboundWarning") heard.push(warning.code);
  };
  process.on("warning", listener);
  onTestFinished(() => void process.off("warning", listener));
  return heard;
}

/** Gives the codes of the warnings about configurations, in one process. */
async function warningsAbout(...configured: readonly VerifierOptions[]): Promise<readonly unknown[]> {
  const heard = warningsHeard();
  const warn = createTlsWarning();
  for (const options of configured) warn(parseVerifierOptions({ audience, ...options }));
  await nextTurn();
  return heard;
}

const warning = ["CERTBOUND_TLS_UNVERIFIED"];

beforeEach(() => void vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0"));
afterEach(() => void vi.unstubAllEnvs());

describe("with NODE_TLS_REJECT_UNAUTHORIZED=0, a verifier is warned of", () => {
  test.each<[string, VerifierOptions, VerifierOptions]>([
    ["finds its keys by discovery", { issuer }, { issuer: "http://127.0.0.1:1" }],
    ["has a URL of keys", { issuer, jwks: `${issuer}/jwks` }, { issuer, jwks: "http://127.0.0.1:1/jwks" }],
    ["uses the global fetch", { issuer, fetch }, { issuer, fetch: async (...request) => fetch(...request) }],
    [
      "is given a second issuer that does",
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
  ])("that %s, and its neighbour is not", async (_name, weakened, neighbour) => {
    expect(await warningsAbout(neighbour)).toEqual([]);
    expect(await warningsAbout(weakened)).toEqual(warning);
  });

  test("once, however many there are", async () => {
    expect(await warningsAbout({ issuer, jwks }, { issuer }, { issuer }, { issuer: "https://b.example" })).toEqual(
      warning,
    );
  });
});

test.each([undefined, "", "1", "00", "0 ", "false"])(
  "with NODE_TLS_REJECT_UNAUTHORIZED=%j, which does not switch verification off, there is no warning",
  async (value) => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", value);
    expect(await warningsAbout({ issuer })).toEqual([]);
  },
);

test("createVerifier emits the warning once in a process", async () => {
  // Another test may have had it emitted in this process.
  vi.resetModules();
  const { createVerifier } = await import("../../src/verifier.ts");
  const heard = warningsHeard();
  for (const options of [{ jwks }, {}, {}]) createVerifier({ issuer, audience, ...options });
  await nextTurn();
  expect(heard).toEqual(warning);
});
