import { createServer } from "node:https";
import { type AccessTokenErrorCode, type ProtectApiOptions, protectApi } from "@certbound/express";
import {
  type AccessTokenOptions,
  createCertificateAuthority,
  createIssuer,
  mtlsRequest,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import express from "express";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apis } from "../authorization-server/apis.ts";
import { createScene } from "../authorization-server/scene.ts";
import {
  auth0,
  auth0WithDpopScheme,
  duende,
  keycloak,
  keycloakTyped,
  multiTenant,
  oidcProvider,
  spring,
} from "./authorization-servers.ts";

const configurations = { keycloak, keycloakTyped, auth0, auth0WithDpopScheme, duende, spring, oidcProvider };

// The guide does not set a clock, so it and the issuer use the clock of this machine.
const [ca, issuer, scene] = await Promise.all([createCertificateAuthority(), createIssuer(), createScene()]);
const [host, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);

const rejections: AccessTokenErrorCode[] = [];
let api: RunningServer;
beforeAll(async () => {
  const app = express();
  for (const [name, configuration] of Object.entries<ProtectApiOptions>(configurations)) {
    const onRejected = ({ code }: { readonly code: AccessTokenErrorCode }): void => void rejections.push(code);
    // None of these servers is running, so the keys come from the test issuer; everything else is as in the guide.
    const protect = protectApi({ ...configuration, jwks: issuer.jwks, onRejected } as ProtectApiOptions);
    app.get(`/${name}`, protect({ scopes: ["read"] }), (_request, response) => void response.end());
  }
  const tls = { key: host.key, cert: host.certificate, requestCert: true, rejectUnauthorized: false };
  api = await startServer(createServer(tls, app));
});
afterAll(() => Promise.all([api.close(), issuer.close()]));

type Name = keyof typeof configurations;
type Token = Pick<AccessTokenOptions, "claims" | "header">;

/** Sends a token; returns the status, or the code of the rejection. */
async function sendToken(
  name: Name,
  tokenOptions: Token,
  { identity = client, scheme = "Bearer" } = {},
): Promise<unknown> {
  const claims = { iss: configurations[name].issuer, ...tokenOptions.claims };
  const token = await issuer.accessToken({ boundTo: client, ...tokenOptions, claims });
  const headers = { authorization: `${scheme} ${token}` };
  const before = rejections.length;
  const { status } = await mtlsRequest(`${api.url}/${name}`, { ca: ca.certificate, identity, headers });
  return rejections[before] ?? status;
}

/** Sends these header fields unchanged, with the client's certificate; returns the status, or the code of the rejection. */
async function sendHeaders(name: Name, headers: readonly (readonly [string, string])[]): Promise<unknown> {
  const before = rejections.length;
  const { status } = await mtlsRequest(`${api.url}/${name}`, { ca: ca.certificate, identity: client, headers });
  return rejections[before] ?? status;
}

/** Returns the token options with other claims. */
const withClaims = ({ claims, header }: Token, others: Readonly<Record<string, unknown>>): Token => ({
  claims: { ...claims, ...others },
  ...(header && { header }),
});

// The tokens that these servers send according to the guide.
const generic = { header: { typ: "JWT" } };
const keycloakToken: Token = {
  ...generic,
  claims: { aud: ["https://api.example.com", "account"], client_id: undefined, azp: "payments", typ: "Bearer" },
};
const auth0Token: Token = { claims: { aud: ["https://api.example.com", "https://auth.example.com/userinfo"] } };
const duendeToken: Token = { claims: { aud: "accounts-api", scope: ["read", "write"], sub: undefined } };
const springToken: Token = {
  header: { typ: undefined },
  claims: { aud: ["https://api.example.com"], scope: ["read"], client_id: undefined, sub: "payments" },
};

describe.each<[Name, Token, string, Token, AccessTokenErrorCode]>([
  [
    "keycloak",
    keycloakToken,
    "without the mapper",
    withClaims(keycloakToken, { aud: "account" }),
    "ERR_TOKEN_AUDIENCE",
  ],
  [
    "keycloak",
    keycloakToken,
    "with an at_hash",
    withClaims(keycloakToken, { nonce: "n-1", at_hash: "h" }),
    "ERR_TOKEN_TYPE",
  ],
  [
    "keycloak",
    withClaims(keycloakToken, { nonce: "n-1" }),
    "without an audience",
    withClaims(keycloakToken, { aud: [] }),
    "ERR_TOKEN_AUDIENCE",
  ],
  ["keycloakTyped", { claims: { nonce: "n-1" } }, "with the default type", keycloakToken, "ERR_TOKEN_TYPE"],
  ["auth0", auth0Token, "with the default profile", { ...auth0Token, ...generic }, "ERR_TOKEN_TYPE"],
  [
    "auth0",
    auth0Token,
    "without the slash",
    withClaims(auth0Token, { iss: "https://auth.example.com" }),
    "ERR_TOKEN_ISSUER",
  ],
  ["duende", duendeToken, "without an ApiResource", withClaims(duendeToken, { aud: undefined }), "ERR_TOKEN_AUDIENCE"],
  [
    "spring",
    springToken,
    "without the customizer",
    withClaims(springToken, { aud: ["payments"] }),
    "ERR_TOKEN_AUDIENCE",
  ],
  ["oidcProvider", {}, "without jti", { claims: { jti: undefined } }, "ERR_TOKEN_CLAIM"],
])("the configuration for %s", (name, token, difference, rejected, code) => {
  test("accepts a token of the server, but only from the client of the token", async () => {
    expect(await sendToken(name, token)).toBe(200);
    expect(await sendToken(name, token, { identity: thief })).toBe("ERR_BINDING_MISMATCH");
  });

  test(`rejects a token ${difference}`, async () => {
    expect(await sendToken(name, rejected)).toBe(code);
  });
});

describe("the DPoP scheme", () => {
  const dpop = { scheme: "DPoP" };

  test("is accepted for certificate-bound tokens with a tokenResolver", async () => {
    expect(await sendToken("auth0", auth0Token, dpop)).toBe("ERR_TOKEN_MISSING");
    expect(await sendToken("auth0WithDpopScheme", auth0Token, dpop)).toBe(200);
    expect(await sendToken("auth0WithDpopScheme", auth0Token)).toBe(200);
    expect(await sendToken("auth0WithDpopScheme", auth0Token, { ...dpop, identity: thief })).toBe(
      "ERR_BINDING_MISMATCH",
    );
  });

  const token = (): Promise<string> =>
    issuer.accessToken({ boundTo: client, ...auth0Token, claims: { ...auth0Token.claims, iss: auth0.issuer } });

  test.each(["Bearer", "DPoP"].flatMap((first) => ["Bearer", "DPoP"].map((second) => [first, second] as const)))(
    "is rejected if there are two headers: %s, then %s",
    async (first, second) => {
      const good = await token();
      const other = await issuer.accessToken();
      expect(await sendHeaders("auth0WithDpopScheme", [["authorization", `${first} ${good}`]])).toBe(200);
      for (const [one, two] of [
        [good, other],
        [other, good],
        [good, good],
      ]) {
        const fields = [["authorization", `${first} ${one}`] as const, ["Authorization", `${second} ${two}`] as const];
        expect(await sendHeaders("auth0WithDpopScheme", fields)).toBe("ERR_TOKEN_MISSING");
        expect(await sendHeaders("auth0", fields)).toBe("ERR_REQUEST_MALFORMED");
      }
    },
  );

  test.each<[string, (token: string) => string]>([
    ["two tokens", (good) => `DPoP ${good} ${good}`],
    ["a list of tokens", (good) => `DPoP ${good},${good}`],
    ["a list of schemes", (good) => `DPoP ${good}, Bearer ${good}`],
    ["a token and a parameter", (good) => `DPoP ${good},a="b"`],
    ["no token", () => "DPoP"],
  ])("is rejected with %s", async (_content, header) => {
    expect(await sendHeaders("auth0WithDpopScheme", [["authorization", header(await token())]])).toBe(
      "ERR_TOKEN_MISSING",
    );
  });

  test("is rejected if Node may have dropped some of the headers", async () => {
    const header = ["authorization", `DPoP ${await token()}`] as const;
    const filled = (count: number) => [header, ...Array.from({ length: count }, () => ["a", "b"] as const)];
    // Together with Host and Connection, 999 and 1,000 fields.
    expect(await sendHeaders("auth0WithDpopScheme", filled(996))).toBe(200);
    // Some Node versions respond with 431 before the API sees the request.
    expect(["ERR_TOKEN_MISSING", 431]).toContain(await sendHeaders("auth0WithDpopScheme", filled(997)));
    expect(["ERR_TOKEN_MISSING", 431]).toContain(await sendHeaders("auth0WithDpopScheme", filled(1500)));
  });

  test("is rejected for tokens that are bound to a DPoP key", async () => {
    const jkt = client.thumbprint;
    for (const cnf of [{ jkt }, { jkt, "x5t#S256": client.thumbprint }]) {
      expect(await sendToken("auth0WithDpopScheme", withClaims(auth0Token, { cnf }), dpop)).toBe(
        "ERR_BINDING_UNSUPPORTED",
      );
    }
  });
});

test.each(apis)("the configuration for oidc-provider works with oidc-provider on %s", async (_name, startApi) => {
  const { server, caSigned, selfSigned } = scene;
  const running = await scene.startApi(startApi, { ...oidcProvider, issuer: server.issuer });
  const token = await caSigned.accessToken(server.issuer);
  expect(await running.ask(caSigned, token)).toBe(200);
  expect(await running.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
});

describe("the tokens of many tenants", () => {
  const tenant = "https://login.example.com/realms/one";

  /** Responds with the metadata of the tenant and the keys of the test issuer. */
  const fetchOf: typeof fetch = async (url) =>
    Response.json(
      new Request(url).url.includes("well-known") ? { issuer: tenant, jwks_uri: `${tenant}/jwks` } : issuer.jwks,
    );

  test.each([
    ["the issuer of a tenant", tenant, 200],
    ["another issuer", "https://login.example.com/realms/three", 401],
  ])("are accepted only if the function returns the issuer: %s", async (_name, iss, status) => {
    const app = express();
    app.get("/", protectApi({ ...multiTenant, fetch: fetchOf } as ProtectApiOptions)(), (_request, response) => {
      response.end();
    });
    const tls = { key: host.key, cert: host.certificate, requestCert: true, rejectUnauthorized: false };
    const server = await startServer(createServer(tls, app));
    const token = await issuer.accessToken({ boundTo: client, claims: { iss, aud: "https://api.example.com" } });
    const responses = [client, thief].map((identity) =>
      mtlsRequest(server.url, { ca: ca.certificate, identity, token }),
    );
    expect((await Promise.all(responses)).map((response) => response.status)).toEqual([status, 401]);
    await server.close();
  });
});
