import { startServer } from "@certbound/testing";
import { createVerifier } from "@certbound/core";
import { createServer } from "node:http";
import { expect } from "vitest";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { AUDIENCE, ISSUER, NOW } from "../../scene.ts";

const OTHER_ISSUER = "https://other-issuer.example";

const twoIssuers: Api = {
  verifier: ({ jwks, foreignKeys }) => ({
    issuer: [
      { issuer: ISSUER, audience: AUDIENCE, jwks },
      { issuer: OTHER_ISSUER, audience: AUDIENCE, jwks: { keys: [foreignKeys.ES256.jwk] } },
    ],
    audience: undefined,
    jwks: undefined,
  }),
};

export const cases: readonly ConformanceCase[] = [
  rejects(["K-06", "8725-06"], "a token of one issuer that is signed by the key of another", {
    api: twoIssuers,
    accepted: { token: ({ token, foreignKeys }) => token({ key: foreignKeys.ES256, claims: { iss: OTHER_ISSUER } }) },
    rejected: { token: ({ token, foreignKeys }) => token({ key: foreignKeys.ES256, claims: { iss: ISSUER } }) },
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  conforms("N-06", "fetches the keys once for many first requests", async ({ scene }) => {
    let fetches = 0;
    const endpoint = createServer((_request, response) => {
      fetches += 1;
      response.setHeader("content-type", "application/json").end(JSON.stringify(scene.jwks));
    });
    const { url, close } = await startServer(endpoint);
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks: `${url}/jwks`,
      clock: () => NOW * 1000,
    });
    const verify = (thumbprint: string) => verifier.verify(scene.token(), { clientCertificate: { thumbprint } });
    // Half of the requests are rejected because of the certificate, not because of the keys.
    const { own, other } = scene;
    const clients = Array.from({ length: 32 }, (_, index) => (index % 2 === 0 ? own : other));
    const outcomes = await Promise.allSettled(clients.map(({ thumbprint }) => verify(thumbprint)));
    await close();
    expect(outcomes.map(({ status }) => status)).toEqual(
      clients.map((client) => (client === own ? "fulfilled" : "rejected")),
    );
    expect(fetches).toBe(1);
  }),
];
