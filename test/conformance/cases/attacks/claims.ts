import { startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { expect } from "vitest";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { AUDIENCE, ISSUER } from "../../scene.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

function claiming(claims: Readonly<Record<string, unknown>>): Attempt {
  return { token: ({ token }) => token({ claims }) };
}

/** Issuers that comparisons other than by character take for the right one. */
const nearlyRight: readonly unknown[] = [
  `${ISSUER}/`,
  `${ISSUER}.`,
  `${ISSUER}.evil.example`,
  `${ISSUER}:443`,
  `${ISSUER}?`,
  `${ISSUER}#`,
  `${ISSUER}/../`,
  `${ISSUER} `,
  ` ${ISSUER}`,
  `${ISSUER}\n`,
  `${ISSUER}\0`,
  `${ISSUER},https://evil.example`,
  `https://evil.example/${ISSUER}`,
  "https://user@issuer.example",
  "https://issuer.example@evil.example",
  "https://ISSUER.example",
  "HTTPS://issuer.example",
  "http://issuer.example",
  "//issuer.example",
  "issuer.example",
  "https://issuer",
  "https://i",
  "https://issue%72.example",
  "https://\u0456ssuer.example",
  "",
  "undefined",
  [ISSUER],
  [ISSUER, "https://evil.example"],
  { [ISSUER]: true },
  true,
  1,
  null,
  undefined,
];

/** Audiences that hold the right text, and do not name it; and some that name nobody. */
const notNaming: readonly unknown[] = [
  [],
  "",
  [""],
  [[AUDIENCE]],
  [AUDIENCE, null],
  [AUDIENCE, ["https://other-api.example"]],
  { 0: AUDIENCE, length: 1 },
  { [AUDIENCE]: true },
  { aud: AUDIENCE },
  true,
  0,
  null,
  `${AUDIENCE}.evil.example`,
  `${AUDIENCE} `,
  `https://other-api.example ${AUDIENCE}`,
  `https://other-api.example,${AUDIENCE}`,
  `[${AUDIENCE}]`,
  "https://api",
  "*",
];

const noStrings: readonly unknown[] = [null, 1, true, ["client-1"], { 0: "client-1" }, {}];

const readers: Api = { requirements: { scopes: ["read"] } };

const readersAndWriters: Api = { requirements: { scopes: ["read", "write"] } };

/** Scopes that hold the text of the one that is asked for, and are others. */
const otherScopes: readonly string[] = [
  "readonly",
  "unread",
  "read:all",
  "READ",
  "Read",
  "read,write",
  "read;write",
  "read+write",
  "rea d",
  "re",
  "",
  '"read"',
  "[read]",
];

export const cases: readonly ConformanceCase[] = [
  ...nearlyRight.map((iss) =>
    rejects(["I-01", "7519-06"], `the issuer ${JSON.stringify(iss) ?? "that is not named"}`, {
      accepted: claiming({ iss: ISSUER }),
      rejected: claiming({ iss }),
      code: "ERR_TOKEN_ISSUER",
    }),
  ),
  ...notNaming.map((aud) =>
    rejects(["I-02", "8725-07", "7519-05"], `the audience ${JSON.stringify(aud)}`, {
      accepted: claiming({ aud: ["https://other-api.example", AUDIENCE] }),
      rejected: claiming({ aud }),
      code: "ERR_TOKEN_AUDIENCE",
    }),
  ),
  ...(["sub", "client_id"] as const).flatMap((name) =>
    noStrings.map((value) =>
      rejects("I-03", `the ${name} ${JSON.stringify(value)}`, {
        accepted: claiming({ [name]: "client-1" }),
        rejected: claiming({ [name]: value }),
        code: "ERR_TOKEN_CLAIM",
      }),
    ),
  ),
  ...otherScopes.map((scope) =>
    rejects("I-04", `the scope ${JSON.stringify(scope)} for read`, {
      api: readers,
      accepted: claiming({ scope: "write read" }),
      rejected: claiming({ scope }),
      code: "ERR_SCOPE_INSUFFICIENT",
    }),
  ),
  ...[{ read: true }, { 0: "read" }, [["read"]], ["read", 1], true, 1, null].map((scope) =>
    rejects("I-04", `a scope of another shape: ${JSON.stringify(scope)}`, {
      api: readers,
      accepted: claiming({ scope: ["read"] }),
      rejected: claiming({ scope }),
      code: "ERR_TOKEN_CLAIM",
    }),
  ),
  ...[{ read: true }, { 0: "read" }, [["read"]], true].map((scp) =>
    rejects("I-04", `an scp of another shape: ${JSON.stringify(scp)}`, {
      api: readers,
      accepted: claiming({ scope: undefined, scp: ["read"] }),
      rejected: claiming({ scope: undefined, scp }),
      code: "ERR_SCOPE_INSUFFICIENT",
    }),
  ),
  rejects("I-04", "a token with one of the two scopes", {
    api: readersAndWriters,
    accepted: claiming({ scope: "read write" }),
    rejected: claiming({ scope: "read" }),
    code: "ERR_SCOPE_INSUFFICIENT",
  }),
  conforms("I-05", "takes no keys from metadata that is another issuer's", async ({ scene }) => {
    let publishes = (url: string): string => url;
    const requests: string[] = [];
    const endpoint = createServer((request, response) => {
      requests.push(request.url ?? "");
      const document =
        request.url === "/jwks" ? scene.jwks : { issuer: publishes(url), jwks_uri: `${url}/jwks`, token_endpoint: url };
      response.setHeader("content-type", "application/json").end(JSON.stringify(document));
    });
    const { url, close } = await startServer(endpoint);
    const verify = () => {
      // Each has an own verifier, since the right metadata is kept.
      const verifier = verifierOf({ issuer: url });
      return outcomeOf(verifier.verify(scene.token({ claims: { iss: url } }), { clientCertificate: scene.own.der }));
    };
    expect(await verify()).toBe("accepted");
    for (const other of [() => ISSUER, (own: string) => `${own}/`, (own: string) => own.toUpperCase(), () => ""]) {
      publishes = other;
      requests.length = 0;
      expect(await verify()).toBe("ERR_KEYS_UNAVAILABLE");
      expect(requests).not.toContain("/jwks");
    }
    await close();
  }),
  conforms("I-06", "asks nothing of an issuer that only the token names", async ({ scene }) => {
    const { own, foreignKeys, remote, token } = scene;
    const requests: string[] = [];
    const endpoint = createServer((request, response) => {
      requests.push(request.url ?? "");
      const issuer = `http://${request.headers.host ?? ""}`;
      const document = { issuer, jwks_uri: `${issuer}/jwks`, keys: [foreignKeys.ES256.jwk] };
      response.setHeader("content-type", "application/json").end(JSON.stringify(document));
    });
    const { url, close } = await startServer(endpoint);
    const forged = token({ key: foreignKeys.ES256, claims: { iss: url } });
    const verify = async (issuer: string, text: string) => {
      const verifier = verifierOf({ issuer });
      return outcomeOf(verifier.verify(text, { clientCertificate: own.der }));
    };
    expect(await verify(remote.issuer, await remote.accessToken({ boundTo: own }))).toBe("accepted");
    expect(await verify(remote.issuer, forged)).toBe("ERR_TOKEN_ISSUER");
    expect(requests).toEqual([]);
    // The same token, where somebody has written the issuer down.
    expect(await verify(url, forged)).toBe("accepted");
    await close();
    expect(requests).not.toEqual([]);
  }),
];
