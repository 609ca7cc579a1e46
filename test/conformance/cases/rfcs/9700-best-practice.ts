import { expect } from "vitest";
import { inspect } from "node:util";
import { outcomeOf, verifierOf } from "../../verification.ts";
import { type Api, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, NOW } from "../../scene.ts";
import { constant } from "../../signers.ts";

const OTHER_AUDIENCE = "https://other-api.example";

const otherApi: Api = { verifier: () => ({ audience: OTHER_AUDIENCE }) };

/** A text that occurs only in tokens. */
const MARKER = "5ecre7";

const marked = { note: MARKER, sub: MARKER, client_id: MARKER };

/** Tokens that fail the different checks, each with the marker inside. */
const markedTokens: readonly RawToken[] = [
  { claims: { ...marked, exp: NOW - 60 } },
  { claims: { ...marked, iss: MARKER } },
  { claims: { ...marked, aud: MARKER } },
  { claims: { ...marked, nbf: MARKER } },
  { claims: { ...marked, cnf: { "x5t#S256": MARKER } } },
  { claims: { ...marked, cnf: MARKER } },
  { claims: marked, header: { alg: MARKER } },
  { claims: marked, header: { kid: MARKER } },
  { claims: marked, header: { typ: MARKER } },
  { claims: marked, header: { crit: [MARKER] } },
  { claims: marked, signer: constant(Buffer.from(MARKER)) },
  { payloadText: () => `{"${MARKER}` },
  { headerText: () => `{"${MARKER}` },
];

export const cases: readonly ConformanceCase[] = [
  rejects("9700-01", "a token that is not sender-constrained, by default", {
    accepted: { token: ({ token, own }) => token({ claims: { cnf: { "x5t#S256": own.thumbprint } } }) },
    rejected: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
    code: "ERR_BINDING_REQUIRED",
  }),
  rejects("9700-02", "a token for another API", {
    api: otherApi,
    accepted: { token: ({ token }) => token({ claims: { aud: OTHER_AUDIENCE } }) },
    rejected: { token: ({ token }) => token({ claims: { aud: AUDIENCE } }) },
    code: "ERR_TOKEN_AUDIENCE",
  }),
  conforms(
    "9700-02",
    "rejects a token at another API of the same server every time",
    async ({ scene, servers }) => {
      for (const { connections, routeOf } of servers) {
        const fields = [["authorization", `Bearer ${scene.token()}`]] as const;
        const send = async (api?: Api) => {
          const request = { path: routeOf(api).path, method: "GET", fields, body: undefined };
          return (await connections.own.send(request)).status;
        };
        const statuses = [await send(), await send(otherApi), await send(), await send(otherApi)];
        expect(statuses).toEqual([200, 401, 200, 401]);
      }
    },
    otherApi,
  ),
  rejects("9700-03", "a token without the scope of the route", {
    api: { requirements: { scopes: ["read"] } },
    accepted: { token: ({ token }) => token({ claims: { scope: "read" } }) },
    rejected: { token: ({ token }) => token({ claims: { scope: "readers read-all write" } }) },
    code: "ERR_SCOPE_INSUFFICIENT",
  }),
  conforms("9700-03", "checks the scope every time", async ({ scene }) => {
    const { verify } = verifierOf({ jwks: scene.jwks });
    const token = scene.token({ claims: { scope: "read" } });
    const clientCertificate = { thumbprint: scene.own.thumbprint };
    for (const [scope, outcome] of [
      ["read", "accepted"],
      ["write", "ERR_SCOPE_INSUFFICIENT"],
      ["read", "accepted"],
      ["write", "ERR_SCOPE_INSUFFICIENT"],
    ] as const) {
      expect(await outcomeOf(verify(token, { clientCertificate, scopes: [scope] }))).toBe(outcome);
    }
  }),
  conforms("9700-04", "sends responses without any content of the token", async (stage) => {
    const { own, token } = stage.scene;
    await onEachServer(stage, undefined, async (send) => {
      expect(await send({ identity: own, token: token({ claims: marked }) })).toMatchObject({ status: 200 });
      for (const raw of markedTokens) {
        const sent = token(raw);
        const { status, headers, body } = await send({ identity: own, token: sent });
        expect(status).toBe(401);
        expectNoLeak(`${JSON.stringify(headers)} ${body}`, sent);
      }
    });
  }),
  conforms("9700-04", "throws errors without any content of the token", async ({ scene }) => {
    const { verify } = verifierOf({ jwks: scene.jwks });
    const clientCertificate = { thumbprint: scene.own.thumbprint };
    expect(await outcomeOf(verify(scene.token({ claims: marked }), { clientCertificate }))).toBe("accepted");
    for (const raw of markedTokens) {
      const sent = scene.token(raw);
      const error: unknown = await verify(sent, { clientCertificate }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "AccessTokenError" });
      expectNoLeak(inspect(error, { depth: Infinity, showHidden: true, getters: true }), sent);
    }
  }),
];

/** Asserts that a text contains neither the marker nor a part of the token. */
function expectNoLeak(text: string, token: string): void {
  const parts = token.split(".").filter((part) => part.length > 8);
  expect([MARKER, ...parts].filter((secret) => text.includes(secret))).toEqual([]);
}
