import { expect } from "vitest";
import { deflateRawSync } from "node:zlib";
import { verifierOf, verifyAs } from "../../verification.ts";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { body, json, startIssuerEndpoint } from "../../issuer-endpoint.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE } from "../../scene.ts";

const CREDENTIALS = { clientId: "api", clientSecret: "a secret of the api" };

function sent(raw: RawToken): Attempt {
  return { token: ({ token }) => token(raw) };
}

/** Tokens with this many characters in a claim or header parameter that is not checked. */
const padded: Readonly<Record<string, (length: number) => RawToken>> = {
  payload: (length) => ({ claims: { note: "x".repeat(length) } }),
  header: (length) => ({ header: { note: "x".repeat(length) } }),
};

const valid: Attempt = { token: ({ token }) => token() };

/** The parts of an encrypted token: header, encrypted key, initialisation vector, ciphertext, tag (RFC 7516 section 7.1). */
const asEncrypted: RawToken["join"] = (header, payload, signature) =>
  `${header}.AA.AAAAAAAAAAAAAAAA.${payload}.${signature}`;

const decompressing: RawToken = {
  header: { zip: "DEF" },
  payloadText: (text) => deflateRawSync(`${text.slice(0, -1)},"note":"${" ".repeat(4 * 1024 * 1024)}"}`),
};

/** Header parameters that request this number of hash iterations. */
const iterations = { p2c: 2 ** 31 - 1, p2s: "AAAAAAAAAAAAAAAAAAAAAA" };

/** Returns nested JSON arrays. */
function nested(levels: number): string {
  return "[".repeat(levels) + "]".repeat(levels);
}

/** Adds a member after all others, so that it replaces an earlier one of the same name. */
function withNested(name: string, levels: number): (text: string) => string {
  return (text) => text.replace(/\}$/, `,"${name}":${nested(levels)}}`);
}

export const cases: readonly ConformanceCase[] = [
  ...Object.entries(padded).map(([part, raw]) =>
    rejects("D-01", `a token with a huge ${part}`, {
      accepted: sent(raw(10_000)),
      rejected: sent(raw(20_000)),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  conforms("D-01", "does not introspect a huge opaque token", async ({ scene }) => {
    const cnf = { "x5t#S256": scene.own.thumbprint };
    const issuer = await startIssuerEndpoint(json({ active: true, aud: AUDIENCE, cnf }));
    const verifier = verifierOf({ jwks: scene.jwks, introspection: { ...CREDENTIALS, endpoint: issuer.url } });
    expect(await verifyAs(scene.own, verifier, "x".repeat(16_000))).toBe("accepted");
    expect(await verifyAs(scene.own, verifier, "x".repeat(17_000))).toBe("ERR_TOKEN_MALFORMED");
    expect(issuer.requests.length).toBe(1);
  }),
  ...(
    [
      ["that consists of periods", () => ".".repeat(15_000)],
      ["that ends in periods", (token: string) => token + ".".repeat(10_000)],
      ["that starts with periods", (token: string) => ".".repeat(10_000) + token],
      ["with thousands of parts", (token: string) => `${token}${".e30".repeat(3000)}`],
    ] as const
  ).map(([name, change]) =>
    rejects("D-02", `a token ${name}`, {
      accepted: valid,
      rejected: { token: ({ token }) => change(token()) },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  rejects("D-03", "an encrypted token that decompresses to a huge size", {
    accepted: valid,
    rejected: sent({ ...decompressing, header: { zip: "DEF", alg: "dir", enc: "A256GCM" }, join: asEncrypted }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  rejects("D-03", "a signed token that decompresses to a huge size", {
    accepted: sent({ header: { zip: "DEF" } }),
    rejected: sent(decompressing),
    code: "ERR_TOKEN_MALFORMED",
  }),
  ...["PBES2-HS256+A128KW", "PBES2-HS512+A256KW"].flatMap((alg) => [
    rejects("D-04", `an encrypted token that sets the number of hash iterations for ${alg}`, {
      accepted: sent({ header: iterations }),
      rejected: sent({ header: { ...iterations, alg, enc: "A128GCM" }, join: asEncrypted }),
      code: "ERR_TOKEN_MALFORMED",
    }),
    rejects("D-04", `a signed token that sets the number of hash iterations for ${alg}`, {
      accepted: sent({ header: iterations }),
      rejected: sent({ header: { ...iterations, alg } }),
      code: "ERR_TOKEN_ALGORITHM",
    }),
  ]),
  rejects("D-05", "a token whose cnf is nested thousands of levels deep", {
    accepted: sent({ payloadText: withNested("note", 5000) }),
    rejected: sent({ payloadText: withNested("cnf", 5000) }),
    code: "ERR_BINDING_MALFORMED",
  }),
  rejects("D-05", "a token whose aud is nested thousands of levels deep", {
    accepted: sent({ payloadText: withNested("note", 5000) }),
    rejected: sent({ payloadText: withNested("aud", 5000) }),
    code: "ERR_TOKEN_AUDIENCE",
  }),
  rejects("D-05", "a token whose typ is nested thousands of levels deep", {
    accepted: sent({ headerText: withNested("note", 5000) }),
    rejected: sent({ headerText: withNested("typ", 5000) }),
    code: "ERR_TOKEN_TYPE",
  }),
  conforms(
    "D-05",
    "parses an introspection response that is nested a hundred thousand levels deep",
    async ({ scene }) => {
      const nestedResponse = (name: string) => {
        const response = JSON.stringify({ active: true, aud: AUDIENCE, cnf: { "x5t#S256": scene.own.thumbprint } });
        return body(withNested(name, 100_000)(response));
      };
      const issuer = await startIssuerEndpoint(nestedResponse("note"));
      const verifier = verifierOf({ jwks: scene.jwks, introspection: { ...CREDENTIALS, endpoint: issuer.url } });
      expect(await verifyAs(scene.own, verifier, "opaque")).toBe("accepted");
      issuer.respondWith(nestedResponse("cnf"));
      expect(await verifyAs(scene.own, verifier, "another")).toBe("ERR_BINDING_MALFORMED");
    },
  ),
];
