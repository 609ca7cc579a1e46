import { startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { expect } from "vitest";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { AUDIENCE, ISSUER } from "../../scene.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

function claiming(claims: Readonly<Record<string, unknown>>): Attempt {
  return { token: ({ token }) => token({ claims }) };
}

/** Issuers that only an exact comparison distinguishes from the correct one. */
const otherIssuers: readonly unknown[] = [
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

/** Audiences that contain the identifier of the API but are not equal to it, and empty ones. */
const otherAudiences: readonly unknown[] = [
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

const notStrings: readonly unknown[] = [null, 1, true, ["client-1"], { 0: "client-1" }, {}];

const requiresRead: Api = { requirements: { scopes: ["read"] } };

const requiresReadAndWrite: Api = { requirements: { scopes: ["read", "write"] } };

/** Scopes that resemble the required one. */
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
  ...otherIssuers.map((iss) =>
    rejects(["I-01", "7519-06"], iss === undefined ? "a missing issuer" : `the issuer ${JSON.stringify(iss)}`, {
      accepted: claiming({ iss: ISSUER }),
      rejected: claiming({ iss }),
      code: "ERR_TOKEN_ISSUER",
    }),
  ),
  ...otherAudiences.map((aud) =>
    rejects(["I-02", "8725-07", "7519-05"], `the audience ${JSON.stringify(aud)}`, {
      accepted: claiming({ aud: ["https://other-api.example", AUDIENCE] }),
      rejected: claiming({ aud }),
      code: "ERR_TOKEN_AUDIENCE",
    }),
  ),
  ...(["sub", "client_id"] as const).flatMap((name) =>
    notStrings.map((value) =>
      rejects("I-03", `the ${name} ${JSON.stringify(value)}`, {
        accepted: claiming({ [name]: "client-1" }),
        rejected: claiming({ [name]: value }),
        code: "ERR_TOKEN_CLAIM",
      }),
    ),
  ),
  ...otherScopes.map((scope) =>
    rejects("I-04", `the scope ${JSON.stringify(scope)} instead of read`, {
      api: requiresRead,
      accepted: claiming({ scope: "write read" }),
      rejected: claiming({ scope }),
      code: "ERR_SCOPE_INSUFFICIENT",
    }),
  ),
  ...[{ read: true }, { 0: "read" }, [["read"]], ["read", 1], true, 1, null].map((scope) =>
    rejects("I-04", `a scope claim of another type: ${JSON.stringify(scope)}`, {
      api: requiresRead,
      accepted: claiming({ scope: ["read"] }),
      rejected: claiming({ scope }),
      code: "ERR_TOKEN_CLAIM",
    }),
  ),
  ...[{ read: true }, { 0: "read" }, [["read"]], true].map((scp) =>
    rejects("I-04", `an scp claim of another type: ${JSON.stringify(scp)}`, {
      api: requiresRead,
      accepted: claiming({ scope: undefined, scp: ["read"] }),
      rejected: claiming({ scope: undefined, scp }),
      code: "ERR_SCOPE_INSUFFICIENT",
    }),
  ),
  rejects("I-04", "a token with only one of two required scopes", {
    api: requiresReadAndWrite,
    accepted: claiming({ scope: "read write" }),
    rejected: claiming({ scope: "read" }),
    code: "ERR_SCOPE_INSUFFICIENT",
  }),
  conforms("I-05", "does not use keys from the metadata of another issuer", async ({ scene }) => {
    let issuerInMetadata = (url: string): string => url;
    const requests: string[] = [];
    const endpoint = createServer((request, response) => {
      requests.push(request.url ?? "");
      const document =
        request.url === "/jwks"
          ? scene.jwks
          : { issuer: issuerInMetadata(url), jwks_uri: `${url}/jwks`, token_endpoint: url };
      response.setHeader("content-type", "application/json").end(JSON.stringify(document));
    });
    const { url, close } = await startServer(endpoint);
    const verify = () => {
      // A new verifier each time, because valid metadata is cached.
      const verifier = verifierOf({ issuer: url });
      return outcomeOf(verifier.verify(scene.token({ claims: { iss: url } }), { clientCertificate: scene.own.der }));
    };
    expect(await verify()).toBe("accepted");
    const otherMetadata = [
      () => ISSUER,
      (issuer: string) => `${issuer}/`,
      (issuer: string) => issuer.toUpperCase(),
      () => "",
    ];
    for (const other of otherMetadata) {
      issuerInMetadata = other;
      requests.length = 0;
      expect(await verify()).toBe("ERR_KEYS_UNAVAILABLE");
      expect(requests).not.toContain("/jwks");
    }
    await close();
  }),
  conforms("I-06", "sends no request to an issuer that only the token names", async ({ scene }) => {
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
    // The same token is accepted if the issuer is configured.
    expect(await verify(url, forged)).toBe("accepted");
    await close();
    expect(requests).not.toEqual([]);
  }),
];
