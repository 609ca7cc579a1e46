import { createVerifier } from "@certbound/core";
import { mtlsRequest } from "@certbound/testing";
import { expect } from "vitest";
import { expectRefused } from "../../answers.ts";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";
import { AUDIENCE, ISSUER, NOW } from "../../scene.ts";

export const cases: readonly ConformanceCase[] = [
  conforms(
    "M-04",
    "refuses a token that is bound to a certificate further up in the chain of the client",
    async (stage) => {
      const { scene, servers } = stage;
      const { own, other } = scene;
      for (const { url, routeOf } of servers) {
        const { path } = routeOf();
        const send = (certificate: string, key: string) => {
          const identity = { ...own, certificate, key };
          return mtlsRequest(`${url}${path}`, { ca: scene.ca.certificate, identity, token: scene.token() });
        };
        const bound = await send(own.certificate + other.certificate, own.key);
        expect(bound.status).toBe(200);
        const stolen = await send(other.certificate + own.certificate, other.key);
        expectRefused(stolen, "ERR_BINDING_MISMATCH");
      }
    },
  ),
  conforms("M-04", "refuses a token that is bound to a certificate further down in a PEM bundle", async ({ scene }) => {
    const { own, other, jwks } = scene;
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks, clock: () => NOW * 1000 });
    const verify = (clientCertificate: string) => verifier.verify(scene.token(), { clientCertificate });
    expect(await verify(own.certificate + other.certificate)).toMatchObject({ binding: "verified" });
    await expect(verify(other.certificate + own.certificate)).rejects.toMatchObject({ code: "ERR_BINDING_MISMATCH" });
  }),
];
