import type { AccessToken, VerifierOptions } from "@certbound/core";
import { startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { expect } from "vitest";
import { type Api, conforms, type ConformanceCase } from "../../conformance-case.ts";
import type { Scene } from "../../scene.ts";
import type { Stage } from "../../stage.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** Outcomes of the application's decision. Only `true` accepts the request. */
const decisions: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error("the application failed");
  },
  "throws undefined": () => {
    // oxlint-disable-next-line typescript/only-throw-error -- an application may do this
    throw undefined;
  },
  "throws a string": () => {
    // oxlint-disable-next-line typescript/only-throw-error -- an application may do this
    throw "route";
  },
  rejects: async () => {
    throw new Error("the application failed later");
  },
  "is a number": () => 1,
  "is a string": () => "true",
  "is an object": () => ({ allowed: true }),
  "is undefined": () => undefined,
  "is null": () => null,
  "resolves with a number": async () => 1,
};

const deciding: Api = {
  requirements: {
    authorize: ({ claims }: AccessToken) => {
      const decide = decisions[String(claims.sub)] ?? (() => claims.sub === "client-1");
      return decide() as boolean;
    },
  },
};

/** Malformed keys, published through an error of the issuer or a proxy. */
function brokenKeys({ keys }: Scene): readonly object[] {
  const { n, e } = keys.RS256.jwk;
  const rsa = { kty: "RSA", use: "sig" };
  const { jwk } = keys.ES256;
  return [
    {},
    { kty: "EC" },
    { kty: "RSA" },
    { kty: "OKP", crv: "Ed25519" },
    { kty: 1, kid: 2, alg: [], use: {} },
    { kty: "__proto__", kid: "__proto__" },
    { ...jwk, kid: null, x: 1, y: {} },
    { ...jwk, kid: "broken", alg: "constructor" },
    { ...jwk, kid: "broken", crv: "P-257" },
    { ...jwk, kid: "broken", key_ops: [{}] },
    { ...rsa, kid: "broken", n, e: "AA" },
    { ...rsa, kid: "broken", n, e: "AQ" },
    { ...rsa, kid: "broken", n, e: n },
    { ...rsa, kid: "broken", n: "AA", e },
    { ...rsa, kid: "broken", n: "%%%", e },
    { ...rsa, kid: "broken", n: Buffer.alloc(4096, 0xff).toString("base64url"), e },
    { kty: "OKP", crv: "Ed25519", kid: "broken", x: Buffer.alloc(32, 0xff).toString("base64url") },
    { kty: "OKP", crv: "Ed25519", kid: "broken", x: "AA" },
    { kty: "oct", kid: "broken", k: {} },
  ];
}

export const cases: readonly ConformanceCase[] = [
  ...Object.keys(decisions).map((decision) =>
    conforms(
      "E-01",
      `does not accept a request if the application's decision ${decision}`,
      async (stage) => {
        expect(await statusesOf(stage, "client-1")).toEqual([200, 200]);
        expect(await statusesOf(stage, decision)).toEqual([500, 500]);
        expect(await statusesOf(stage, "client-2")).toEqual([403, 403]);
      },
      deciding,
    ),
  ),
  ...(
    [
      ["throws", () => fail()],
      ["returns NaN", () => Number.NaN],
      ["returns a string", () => "1900000000000" as never],
    ] as const
  ).map(([name, time]) =>
    conforms("E-01", `does not accept a token if the clock ${name}`, async ({ scene }) => {
      let clock: () => number = () => 1_900_000_000_000;
      const verifier = verifierOf({ jwks: scene.jwks, clock: () => clock() });
      const token = scene.token();
      const verify = (text: string) => verifier.verify(text, { clientCertificate: scene.own.der });
      expect(await outcomeOf(verify(token))).toBe("accepted");
      clock = time;
      // A token that is cached, and one that is not.
      for (const text of [token, scene.token()]) await expect(verify(text)).rejects.toBeInstanceOf(Error);
    }),
  ),
  conforms("E-01", "does not accept a token if the request for the keys fails", async ({ scene }) => {
    const failures: readonly NonNullable<VerifierOptions["fetch"]>[] = [
      () => fail(),
      () => Promise.reject(new Error("unreachable")),
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an application may do this
      () => Promise.reject(undefined),
      () => Promise.resolve(new Response("{", { status: 200 })),
      () => Promise.resolve(new Response(JSON.stringify({ keys: [] }))),
      () => Promise.resolve(undefined as never),
    ];
    const outcome = (fetch: NonNullable<VerifierOptions["fetch"]>) => {
      const verifier = verifierOf({ jwks: "https://issuer.example/jwks", fetch });
      return outcomeOf(verifier.verify(scene.token(), { clientCertificate: scene.own.der }));
    };
    expect(await outcome(async () => Response.json(scene.jwks))).toBe("accepted");
    for (const fetch of failures) expect(await outcome(fetch)).toBe("ERR_KEYS_UNAVAILABLE");
  }),
  conforms("E-02", "uses the valid keys of a set with malformed keys, given or fetched", async ({ scene }) => {
    const jwks = { keys: [...brokenKeys(scene), ...scene.jwks.keys] } as Scene["jwks"];
    const endpoint = createServer((_request, response) => {
      response.setHeader("content-type", "application/json").end(JSON.stringify(jwks));
    });
    const { url, close } = await startServer(endpoint);
    for (const verifier of [verifierOf({ jwks }), verifierOf({ jwks: `${url}/jwks` })]) {
      const verify = (differences: object) =>
        outcomeOf(verifier.verify(scene.token(differences), { clientCertificate: scene.own.der }));
      for (const key of [scene.keys.ES256, scene.keys.RS256, scene.keys.Ed25519]) {
        expect(await verify({ key })).toBe("accepted");
        // The token is rejected; the malformed key is not treated as a server or issuer error.
        expect(await verify({ key, header: { kid: "broken" } })).toMatch(/^ERR_TOKEN_(?:KEY_UNKNOWN|SIGNATURE)$/);
      }
    }
    await close();
  }),
];

/** Returns the status from each server for a token of this subject, and checks that its handler ran only for 200. */
async function statusesOf({ scene, servers }: Stage, sub: string): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (const { connections, routeOf } of servers) {
    const route = routeOf(deciding);
    route.handled = 0;
    const token = scene.token({ claims: { sub } });
    const { status } = await connections.own.send({
      path: route.path,
      method: "GET",
      fields: [["authorization", `Bearer ${token}`]],
      body: undefined,
    });
    expect(route.handled).toBe(status === 200 ? 1 : 0);
    statuses.push(status);
  }
  return statuses;
}

function fail(): never {
  throw new Error("it fails");
}
