import { X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { outcomeOf, verifierOf, verifyAs } from "../../verification.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { json, startIssuerEndpoint } from "../../issuer-endpoint.ts";
import type { Scene } from "../../scene.ts";

/** Accepts tokens without `cnf`; no other token may be accepted as unbound. */
const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

const unbound: Attempt = { token: ({ token }) => token({ claims: { cnf: undefined } }) };

function confirmedBy(confirmation: unknown): Attempt {
  return { token: ({ token }) => token({ claims: { cnf: confirmation } }) };
}

/** JSON values that are not objects. */
const otherTypes = [null, true, 0, "", "x5t#S256", [], [{}]];

/** Confirmations by a key of the client. */
const keyMethods: readonly (readonly [method: string, value: (scene: Scene) => unknown])[] = [
  ["jwk", ({ own }) => new X509Certificate(own.certificate).publicKey.export({ format: "jwk" })],
  ["jwe", () => "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA"],
  ["jku", () => "https://keys.example/own"],
  ["kid", ({ own }) => own.thumbprint],
];

function confirmedByKey([method, value]: (typeof keyMethods)[number], more: (scene: Scene) => object): Attempt {
  return { token: (scene) => scene.token({ claims: { cnf: { [method]: value(scene), ...more(scene) } } }) };
}

export const cases: readonly ConformanceCase[] = [
  ...otherTypes.map((value) =>
    rejects("7800-01", `a cnf that is ${JSON.stringify(value)} where tokens may be unbound`, {
      api: whenBound,
      accepted: unbound,
      rejected: confirmedBy(value),
      code: "ERR_BINDING_MALFORMED",
    }),
  ),
  rejects("7800-01", "a cnf that is a list with the correct confirmation", {
    accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: { token: ({ token, own }) => token({ claims: { cnf: [{ "x5t#S256": own.thumbprint }] } }) },
    code: "ERR_BINDING_MALFORMED",
  }),
  rejects("7800-02", "another certificate, regardless of unknown members of cnf", {
    accepted: withUnknownMembers(),
    rejected: { ...withUnknownMembers(), certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("7800-02", "a token whose cnf has only unknown members", {
    api: whenBound,
    accepted: unbound,
    rejected: confirmedBy({ unknown: true }),
    code: "ERR_BINDING_UNSUPPORTED",
  }),
  ...keyMethods.flatMap((method) => [
    rejects("7800-03", `a token that is bound by ${method[0]} alone`, {
      accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
      rejected: confirmedByKey(method, () => ({})),
      code: "ERR_BINDING_UNSUPPORTED",
    }),
    rejects(["7800-03", "7800-05"], `a token that is bound by ${method[0]} alone where tokens may be unbound`, {
      api: whenBound,
      accepted: unbound,
      rejected: confirmedByKey(method, () => ({})),
      code: "ERR_BINDING_UNSUPPORTED",
    }),
  ]),
  ...keyMethods
    .filter(([member]) => member !== "kid")
    .map((method) =>
      rejects("7800-03", `a token whose cnf has ${method[0]} together with the correct thumbprint`, {
        accepted: withUnknownMembers(),
        rejected: confirmedByKey(method, ({ own }) => ({ "x5t#S256": own.thumbprint })),
        code: "ERR_BINDING_UNSUPPORTED",
      }),
    ),
  rejects("7800-04", "a bound token that is for another API", {
    accepted: { token: ({ token }) => token() },
    rejected: { token: ({ token }) => token({ claims: { aud: "https://other-api.example" } }) },
    code: "ERR_TOKEN_AUDIENCE",
  }),
  conforms("7800-05", "does not verify a token unless clientCertificate is given", async ({ scene }) => {
    const { verify } = verifierOf({ jwks: scene.jwks });
    const clientCertificate = { thumbprint: scene.own.thumbprint };
    expect(await outcomeOf(verify(scene.token(), { clientCertificate }))).toBe("accepted");
    expect(await outcomeOf(verify(scene.token(), { clientCertificate: null }))).toBe("ERR_CERTIFICATE_MISSING");
    await expect(verify(scene.token(), {} as { clientCertificate: null })).rejects.toThrow(TypeError);
  }),
  conforms("7800-05", "has no option to accept bound tokens without their proof", async ({ scene }) => {
    const { verify } = verifierOf({ jwks: scene.jwks });
    const clientCertificate = { thumbprint: scene.other.thumbprint };
    const off = { validateCertificateBinding: false as true, clientCertificate };
    await expect(verify(scene.token(), off)).rejects.toThrow(TypeError);
    const reported = await verify(scene.token(), { validateCertificateBinding: "report-only", clientCertificate });
    expect(reported).toMatchObject({ binding: "rejected", clientCertificate: undefined });
  }),
  conforms("7800-06", "does not fetch a jku in cnf", async ({ scene }) => {
    const { own, other } = scene;
    const keys = await startIssuerEndpoint(json(scene.jwks));
    const verifier = verifierOf({ jwks: scene.jwks });
    const verify = (cnf: object) =>
      verifyAs(own, verifier, scene.token({ claims: { cnf: { jku: keys.url, ...cnf } } }));
    for (const confirmation of [{ "x5t#S256": own.thumbprint }, { "x5t#S256": other.thumbprint }, {}]) {
      expect(await verify(confirmation)).toBe("ERR_BINDING_UNSUPPORTED");
    }
    expect(await verify({ jku: undefined, "x5t#S256": own.thumbprint })).toBe("accepted");
    expect(keys.requests).toEqual([]);
  }),
];

function withUnknownMembers(): Attempt {
  return {
    token: ({ token, own }) =>
      token({ claims: { cnf: { kid: "1", unknown: [{ "x5t#S256": null }], "x5t#S256": own.thumbprint } } }),
  };
}
