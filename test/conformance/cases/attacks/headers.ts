import { expect } from "vitest";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

function sent(differences: RawToken): Attempt {
  return { token: ({ token }) => token(differences) };
}

/** Values of crit: malformed ones, and names of parameters that are supported or not. */
const criticals: readonly unknown[] = [
  ["exp"],
  ["alg"],
  ["kid", "typ"],
  ["b64"],
  ["https://example.com/extension"],
  [""],
  [1],
  [],
  {},
  "exp",
  "",
  null,
  false,
  0,
];

/** The typ and the claims of other tokens that an issuer signs. */
const otherKinds: readonly (readonly [name: string, typ: unknown, claims: object])[] = [
  ["an ID token", "JWT", { nonce: "n", at_hash: "h" }],
  ["an ID token of the hybrid flow", "JWT", { at_hash: "h" }],
  ["an ID token without typ", undefined, { c_hash: "h" }],
  ["a logout token", "logout+jwt", { events: {} }],
  ["a logout token without its typ", "JWT", { events: { "http://schemas.openid.net/event/backchannel-logout": {} } }],
  ["a DPoP proof", "dpop+jwt", {}],
  ["a JWT introspection response", "token-introspection+jwt", {}],
  ["a status list", "statuslist+jwt", {}],
  ["a security event", "secevent+jwt", {}],
  ["a request object", "oauth-authz-req+jwt", {}],
  ["a client assertion", "client-authentication+jwt", {}],
  ["an entity statement", "entity-statement+jwt", {}],
];

const oddTypes: readonly unknown[] = [
  "at+jwt ",
  "at_jwt",
  "at",
  "xat+jwt",
  "at+jwt,jwt",
  "text/at+jwt",
  "application/application/at+jwt",
  "",
  ["at+jwt"],
  {},
  1,
  null,
];

export const cases: readonly ConformanceCase[] = [
  ...criticals.map((crit) =>
    rejects(["H-01", "7515-03"], `the crit ${JSON.stringify(crit)}`, {
      accepted: sent({ header: { exp: 1, "https://example.com/extension": 1 } }),
      rejected: sent({ header: { exp: 1, "https://example.com/extension": 1, crit } }),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  rejects(["7797-01", "H-02"], "a token with b64 false as a critical parameter", {
    accepted: sent({ header: { b64: true } }),
    rejected: sent({ header: { b64: false, crit: ["b64"] } }),
    code: "ERR_TOKEN_MALFORMED",
  }),
  ...[false, "false", 0, null, "", []].map((b64) =>
    rejects(["H-02", "7797-01"], `the b64 ${JSON.stringify(b64)} as a non-critical parameter`, {
      accepted: sent({ header: { b64: true } }),
      rejected: sent({ header: { b64 } }),
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  conforms(["7797-01", "H-02"], "rejects an unencoded payload with a valid signature", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    const verify = (token: string) => outcomeOf(verifier.verify(token, { clientCertificate: scene.own.der }));
    const unencoded = (header: object) =>
      scene.token({
        header: { ...header },
        // A period in the payload would create a fourth part.
        payloadText: (json) => json.replaceAll(".", String.raw`\u002e`),
        encode: (bytes, part) => bytes.toString(part === "payload" ? "utf8" : "base64url"),
      });
    expect(await verify(scene.token({ header: { b64: true } }))).toBe("accepted");
    expect(await verify(unencoded({ b64: false, crit: ["b64"] }))).toBe("ERR_TOKEN_MALFORMED");
    expect(await verify(unencoded({ b64: false }))).toBe("ERR_TOKEN_MALFORMED");
    expect(await verify(unencoded({}))).toBe("ERR_TOKEN_MALFORMED");
  }),
  ...otherKinds.map(([name, typ, claims]) =>
    rejects(["H-03", "8725-09"], `${name} with all claims of an access token`, {
      accepted: sent({ claims: { ...claims } }),
      rejected: sent({ header: { typ }, claims: { ...claims } }),
      code: "ERR_TOKEN_TYPE",
    }),
  ),
  ...(["JWT", "jwt", "application/jwt", undefined] as const).map((typ) =>
    rejects(
      ["8725-09", "H-03"],
      `${typ === undefined ? "a missing typ" : `the typ ${typ}`} where tokens may be unbound`,
      {
        api: whenBound,
        accepted: sent({ header: { typ: "at+jwt" } }),
        rejected: sent({ header: { typ } }),
        code: "ERR_TOKEN_TYPE",
      },
    ),
  ),
  ...oddTypes.map((typ) =>
    rejects("8725-09", `the typ ${JSON.stringify(typ)}`, {
      accepted: sent({ header: { typ: "application/AT+JWT" } }),
      rejected: sent({ header: { typ } }),
      code: "ERR_TOKEN_TYPE",
    }),
  ),
];
