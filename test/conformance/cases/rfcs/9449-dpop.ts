import { createAuthenticator } from "@certbound/core";
import { expect } from "vitest";
import { verifierOf } from "../../verification.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";

/** The thumbprint of a client key (RFC 9449 section 6.1). */
const JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

const introspecting: Api = {
  verifier: ({ remote }) => ({ issuer: remote.issuer, jwks: undefined, introspection: remote.introspectionClient }),
};

/** Returns an opaque token whose introspection response has this token type, and is valid otherwise. */
function ofType(tokenType: string): Attempt {
  return {
    async token({ remote, own }) {
      const token = await remote.opaqueToken();
      const cnf = { "x5t#S256": own.thumbprint };
      remote.introspectAs(token, {
        active: true,
        iss: remote.issuer,
        aud: remote.audience,
        cnf,
        token_type: tokenType,
      });
      return token;
    },
  };
}

/** Returns a request with the token in each of these schemes. */
function withSchemes(...schemes: readonly string[]): Attempt {
  return { request: { lines: (token) => schemes.map((scheme) => ["authorization", `${scheme} ${token}`]) } };
}

export const cases: readonly ConformanceCase[] = [
  rejects("9449-01", "a DPoP-bound token as a bearer token", {
    accepted: { token: ({ token }) => token() },
    rejected: { token: ({ token }) => token({ claims: { cnf: { jkt: JKT } } }) },
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  rejects("9449-01", "a DPoP-bound token as a bearer token where tokens may be unbound", {
    api: whenBound,
    accepted: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
    rejected: { token: ({ token }) => token({ claims: { cnf: { jkt: JKT } } }) },
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  rejects("9449-01", "a DPoP-bound token that is also bound to the client certificate", {
    accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint, jkt: JKT } } }) },
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  rejects("9449-02", "a token of type DPoP, according to the issuer", {
    api: introspecting,
    accepted: ofType("Bearer"),
    rejected: ofType("DPoP"),
    code: "ERR_TOKEN_TYPE",
  }),
  conforms("9449-02", "distinguishes a DPoP-bound token from an unbound one", async ({ scene }) => {
    const { verify } = verifierOf({ jwks: scene.jwks });
    const clientCertificate = { thumbprint: scene.own.thumbprint };
    const verifyWith = (cnf: object | undefined) =>
      verify(scene.token({ claims: { cnf } }), { validateCertificateBinding: "report-only", clientCertificate });
    const bindingOf = async (cnf: object | undefined) => {
      const token = await verifyWith(cnf);
      return token.binding === "rejected" ? token.bindingError.code : token.binding;
    };
    expect(await bindingOf({ "x5t#S256": scene.own.thumbprint })).toBe("verified");
    expect(await bindingOf({ jkt: JKT })).toBe("ERR_BINDING_UNSUPPORTED");
    expect(await bindingOf(undefined)).toBe("ERR_BINDING_REQUIRED");
  }),
  rejects("9449-03", "a valid token in the DPoP scheme", {
    accepted: withSchemes("Bearer"),
    rejected: withSchemes("DPoP"),
    code: "ERR_TOKEN_MISSING",
  }),
  conforms("9449-03", "does not accept DPoP as a configured scheme", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    for (const scheme of ["DPoP", "dpop", "DPOP"]) {
      expect(() => createAuthenticator({ verifier, schemes: ["Bearer", scheme] })).toThrow(TypeError);
    }
    expect(() => createAuthenticator({ verifier, schemes: ["Bearer", "MTLS"] })).not.toThrow();
  }),
  rejects("9449-04", "a request without credentials, without an error in the challenge", {
    accepted: withSchemes("Bearer"),
    rejected: withSchemes(),
    code: "ERR_TOKEN_MISSING",
  }),
  rejects("9449-04", "a request with the token in both schemes", {
    accepted: withSchemes("Bearer"),
    rejected: withSchemes("Bearer", "DPoP"),
    code: "ERR_REQUEST_MALFORMED",
  }),
  rejects("9449-04", "a request with the token in both schemes, DPoP first", {
    accepted: withSchemes("Bearer"),
    rejected: withSchemes("DPoP", "Bearer"),
    code: "ERR_REQUEST_MALFORMED",
  }),
];
