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

// The guide says nothing of a clock: it and the issuer go by the same one, that of this machine.
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
    // None of these servers is there: the keys come from elsewhere, and all else is as it stands.
    const protect = protectApi({ ...configuration, jwks: issuer.jwks, onRejected } as ProtectApiOptions);
    app.get(`/${name}`, protect({ scopes: ["read"] }), (_request, response) => void response.end());
  }
  const tls = { key: host.key, cert: host.certificate, requestCert: true, rejectUnauthorized: false };
  api = await startServer(createServer(tls, app));
});
afterAll(() => Promise.all([api.close(), issuer.close()]));

type Name = keyof typeof configurations;
type Token = Pick<AccessTokenOptions, "claims" | "header">;

/** Sends a token, and gives the status, or why it was rejected. */
async function ask(name: Name, shape: Token, { identity = client, scheme = "Bearer" } = {}): Promise<unknown> {
  const claims = { iss: configurations[name].issuer, ...shape.claims };
  const token = await issuer.accessToken({ boundTo: client, ...shape, claims });
  const headers = { authorization: `${scheme} ${token}` };
  const before = rejections.length;
  const { status } = await mtlsRequest(`${api.url}/${name}`, { ca: ca.certificate, identity, headers });
  return rejections[before] ?? status;
}

/** Sends these header fields as they are, with the client's certificate, and gives the same. */
async function send(name: Name, headers: readonly (readonly [string, string])[]): Promise<unknown> {
  const before = rejections.length;
  const { status } = await mtlsRequest(`${api.url}/${name}`, { ca: ca.certificate, identity: client, headers });
  return rejections[before] ?? status;
}

/** The same, with other claims. */
const but = ({ claims, header }: Token, others: Readonly<Record<string, unknown>>): Token => ({
  claims: { ...claims, ...others },
  ...(header && { header }),
});

// What the guide says that these servers send.
const generic = { header: { typ: "JWT" } };
const ofKeycloak: Token = {
  ...generic,
  claims: { aud: ["https://api.example.com", "account"], client_id: undefined, azp: "payments", typ: "Bearer" },
};
const ofAuth0: Token = { claims: { aud: ["https://api.example.com", "https://auth.example.com/userinfo"] } };
const ofDuende: Token = { claims: { aud: "accounts-api", scope: ["read", "write"], sub: undefined } };
const ofSpring: Token = {
  header: { typ: undefined },
  claims: { aud: ["https://api.example.com"], scope: ["read"], client_id: undefined, sub: "payments" },
};

describe.each<[Name, Token, string, Token, AccessTokenErrorCode]>([
  ["keycloak", ofKeycloak, "without the mapper", but(ofKeycloak, { aud: "account" }), "ERR_TOKEN_AUDIENCE"],
  ["keycloak", ofKeycloak, "with an at_hash", but(ofKeycloak, { nonce: "n-1", at_hash: "h" }), "ERR_TOKEN_TYPE"],
  ["keycloak", but(ofKeycloak, { nonce: "n-1" }), "of no audience", but(ofKeycloak, { aud: [] }), "ERR_TOKEN_AUDIENCE"],
  ["keycloakTyped", { claims: { nonce: "n-1" } }, "of the usual type", ofKeycloak, "ERR_TOKEN_TYPE"],
  ["auth0", ofAuth0, "of the default profile", { ...ofAuth0, ...generic }, "ERR_TOKEN_TYPE"],
  ["auth0", ofAuth0, "without the slash", but(ofAuth0, { iss: "https://auth.example.com" }), "ERR_TOKEN_ISSUER"],
  ["duende", ofDuende, "without an ApiResource", but(ofDuende, { aud: undefined }), "ERR_TOKEN_AUDIENCE"],
  ["spring", ofSpring, "without the customizer", but(ofSpring, { aud: ["payments"] }), "ERR_TOKEN_AUDIENCE"],
  ["oidcProvider", {}, "without jti", { claims: { jti: undefined } }, "ERR_TOKEN_CLAIM"],
])("the configuration for %s", (name, token, difference, rejected, code) => {
  test("accepts what the server sends, from the client of the token only", async () => {
    expect(await ask(name, token)).toBe(200);
    expect(await ask(name, token, { identity: thief })).toBe("ERR_BINDING_MISMATCH");
  });

  test(`rejects a token ${difference}`, async () => {
    expect(await ask(name, rejected)).toBe(code);
  });
});

describe("the scheme DPoP", () => {
  const dpop = { scheme: "DPoP" };

  test("is accepted for certificate-bound tokens where a tokenResolver says so", async () => {
    expect(await ask("auth0", ofAuth0, dpop)).toBe("ERR_TOKEN_MISSING");
    expect(await ask("auth0WithDpopScheme", ofAuth0, dpop)).toBe(200);
    expect(await ask("auth0WithDpopScheme", ofAuth0)).toBe(200);
    expect(await ask("auth0WithDpopScheme", ofAuth0, { ...dpop, identity: thief })).toBe("ERR_BINDING_MISMATCH");
  });

  const token = (): Promise<string> =>
    issuer.accessToken({ boundTo: client, ...ofAuth0, claims: { ...ofAuth0.claims, iss: auth0.issuer } });

  test.each(["Bearer", "DPoP"].flatMap((first) => ["Bearer", "DPoP"].map((second) => [first, second] as const)))(
    "is not accepted in one of two headers: %s, then %s",
    async (first, second) => {
      const good = await token();
      const other = await issuer.accessToken();
      expect(await send("auth0WithDpopScheme", [["authorization", `${first} ${good}`]])).toBe(200);
      for (const [one, two] of [
        [good, other],
        [other, good],
        [good, good],
      ]) {
        const fields = [["authorization", `${first} ${one}`] as const, ["Authorization", `${second} ${two}`] as const];
        expect(await send("auth0WithDpopScheme", fields)).toBe("ERR_TOKEN_MISSING");
        expect(await send("auth0", fields)).toBe("ERR_REQUEST_MALFORMED");
      }
    },
  );

  test.each<[string, (token: string) => string]>([
    ["two tokens", (good) => `DPoP ${good} ${good}`],
    ["a list of tokens", (good) => `DPoP ${good},${good}`],
    ["a list of schemes", (good) => `DPoP ${good}, Bearer ${good}`],
    ["a token and a parameter", (good) => `DPoP ${good},a="b"`],
    ["no token", () => "DPoP"],
  ])("is not accepted with %s", async (_what, header) => {
    expect(await send("auth0WithDpopScheme", [["authorization", header(await token())]])).toBe("ERR_TOKEN_MISSING");
  });

  test("is not accepted in a list of headers of which Node may have dropped some", async () => {
    const header = ["authorization", `DPoP ${await token()}`] as const;
    const filled = (count: number) => [header, ...Array.from({ length: count }, () => ["a", "b"] as const)];
    // Together with Host and Connection, 999 and 1,000 fields.
    expect(await send("auth0WithDpopScheme", filled(996))).toBe(200);
    // Some versions of Node respond themselves.
    expect(["ERR_TOKEN_MISSING", 431]).toContain(await send("auth0WithDpopScheme", filled(997)));
    expect(["ERR_TOKEN_MISSING", 431]).toContain(await send("auth0WithDpopScheme", filled(1500)));
  });

  test("does not let tokens in that are bound to a DPoP key", async () => {
    const jkt = client.thumbprint;
    for (const cnf of [{ jkt }, { jkt, "x5t#S256": client.thumbprint }]) {
      expect(await ask("auth0WithDpopScheme", but(ofAuth0, { cnf }), dpop)).toBe("ERR_BINDING_UNSUPPORTED");
    }
  });
});

test.each(apis)("the configuration for oidc-provider works with oidc-provider, on %s", async (_name, startApi) => {
  const { server, caSigned, selfSigned } = scene;
  const running = await scene.startApi(startApi, { ...oidcProvider, issuer: server.issuer });
  const token = await caSigned.accessToken(server.issuer);
  expect(await running.ask(caSigned, token)).toBe(200);
  expect(await running.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
});

describe("many tenants", () => {
  const tenant = "https://login.example.com/realms/one";

  /** Publishes the metadata of the tenant, with the keys of the issuer. */
  const fetchOf: typeof fetch = async (url) =>
    Response.json(
      new Request(url).url.includes("well-known") ? { issuer: tenant, jwks_uri: `${tenant}/jwks` } : issuer.jwks,
    );

  test.each([
    ["a tenant", tenant, 200],
    ["another issuer", "https://login.example.com/realms/three", 401],
  ])("are the issuers that the function returns: %s", async (_name, iss, status) => {
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
