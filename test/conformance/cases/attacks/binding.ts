import type { ClientCertificateInput } from "@certbound/core";
import { type Identity, mtlsRequest } from "@certbound/testing";
import { createHash, X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { expectRejected } from "../../responses.ts";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { bound, confirming } from "../../confirming.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** The SHA-256 of empty input (FIPS 180-4) in base64url. */
const HASH_OF_EMPTY_INPUT = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

const whenBound: Api = { requirements: { validateCertificateBinding: "when-bound" } };

export const cases: readonly ConformanceCase[] = [
  conforms("M-04", "rejects a token that is bound to a later certificate in the chain of the client", async (stage) => {
    const { scene, servers } = stage;
    const { own, other } = scene;
    for (const { url, routeOf } of servers) {
      const { path } = routeOf();
      const send = (certificate: string, key: string) => {
        const identity = { ...own, certificate, key };
        return mtlsRequest(`${url}${path}`, { ca: scene.ca.certificate, identity, token: scene.token() });
      };
      const inOrder = await send(own.certificate + other.certificate, own.key);
      expect(inOrder.status).toBe(200);
      const stolen = await send(other.certificate + own.certificate, other.key);
      expectRejected(stolen, "ERR_BINDING_MISMATCH");
    }
  }),
  conforms("M-04", "rejects a token that is bound to a later certificate in a PEM bundle", async ({ scene }) => {
    const { own, other } = scene;
    const verifier = verifierOf({ jwks: scene.jwks });
    const verify = (clientCertificate: string) => verifier.verify(scene.token(), { clientCertificate });
    expect(await verify(own.certificate + other.certificate)).toMatchObject({ binding: "verified" });
    await expect(verify(other.certificate + own.certificate)).rejects.toMatchObject({ code: "ERR_BINDING_MISMATCH" });
  }),
  rejects("M-01", "a stolen token with the thief's certificate, which has the same name and CA", {
    accepted: { certificate: "own" },
    rejected: { certificate: "other" },
    code: "ERR_BINDING_MISMATCH",
  }),
  conforms("M-01", "distinguishes certificates with the same subject and CA", async ({ scene }) => {
    const { own, other } = scene;
    const [first, second] = [own, other].map(({ der }) => new X509Certificate(Buffer.from(der)));
    expect([second?.subject, second?.issuer]).toEqual([first?.subject, first?.issuer]);
    const verify = ({ der }: Identity) =>
      outcomeOf(verifierOf({ jwks: scene.jwks }).verify(scene.token(), { clientCertificate: der }));
    expect(await verify(own)).toBe("accepted");
    expect(await verify(other)).toBe("ERR_BINDING_MISMATCH");
  }),
  rejects("M-02", "a token without a binding", {
    accepted: bound,
    rejected: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("M-02", "a token with a thumbprint outside cnf", {
    accepted: { token: ({ token, own }) => token({ claims: { "x5t#S256": own.thumbprint } }) },
    rejected: { token: ({ token, own }) => token({ claims: { cnf: undefined, "x5t#S256": own.thumbprint } }) },
    code: "ERR_BINDING_REQUIRED",
  }),
  ...(["none", "own"] as const).flatMap((certificate) =>
    [undefined, whenBound].map((api) =>
      rejects(
        "M-05",
        `a token bound to the hash of empty input, from a client ${certificate === "own" ? "with" : "without"} a certificate${api ? ", where tokens may be unbound" : ""}`,
        {
          ...(api && { api }),
          accepted: bound,
          rejected: { ...confirming(() => ({ "x5t#S256": HASH_OF_EMPTY_INPUT })), certificate },
          code: certificate === "none" ? "ERR_CERTIFICATE_MISSING" : "ERR_BINDING_MALFORMED",
        },
      ),
    ),
  ),
  ...["", "undefined", "null", "{}", "[object Object]", "false"].map((text) =>
    rejects("M-05", `a token bound to the hash of ${JSON.stringify(text)}, from a client without a certificate`, {
      accepted: bound,
      rejected: {
        ...confirming(() => ({ "x5t#S256": createHash("sha256").update(text).digest("base64url") })),
        certificate: "none",
      },
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  conforms(
    "M-05",
    "treats every form of a missing certificate as missing, regardless of the binding",
    async ({ scene }) => {
      const { own, token } = scene;
      const verify = (cnf: unknown, clientCertificate: ClientCertificateInput | null) =>
        outcomeOf(verifierOf({ jwks: scene.jwks }).verify(token({ claims: { cnf } }), { clientCertificate }));
      expect(await verify({ "x5t#S256": own.thumbprint }, { thumbprint: own.thumbprint })).toBe("accepted");
      for (const missing of [null, "", new Uint8Array(), { thumbprint: HASH_OF_EMPTY_INPUT }]) {
        expect(await verify({ "x5t#S256": HASH_OF_EMPTY_INPUT }, missing)).toBe("ERR_CERTIFICATE_MISSING");
        expect(await verify({ "x5t#S256": "" }, missing)).toBe("ERR_CERTIFICATE_MISSING");
      }
      expect(await verify({ "x5t#S256": "" }, { thumbprint: "" })).toBe("ERR_CERTIFICATE_MALFORMED");
    },
  ),
];
