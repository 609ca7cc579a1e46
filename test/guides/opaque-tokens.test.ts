import { createTestKit, type Identity } from "@certbound/testing";
import type { Protect } from "@certbound/express";
import express from "express";
import { Keyv } from "keyv";
import { randomUUID } from "node:crypto";
import { unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";

const kit = await createTestKit();
const { issuer } = kit;
const [client, thief, api, otherApi] = await Promise.all([
  kit.issueClientCertificate(),
  kit.issueClientCertificate(),
  kit.issueClientCertificate({ commonName: "accounts-api" }),
  kit.issueClientCertificate({ commonName: "other-api" }),
]);
vi.stubEnv("ISSUER", issuer.issuer);
vi.stubEnv("CLIENT_ID", issuer.introspectionClient.clientId);
vi.stubEnv("CLIENT_SECRET", issuer.introspectionClient.clientSecret);
vi.stubEnv("CACHE_KEY", randomUUID());
afterAll(async () => {
  vi.unstubAllEnvs();
  await kit.close();
});

const { protectAlwaysIntrospecting, protectWithIntrospection, protectFleet, protectIntrospectingJwts, watch } =
  await import("./opaque-tokens.ts");

/** Starts an API; returns a function that sends a token and returns the status. */
async function startApi(protect: Protect): Promise<(token: string, identity: Identity) => Promise<number>> {
  const app = express().get("/", protect(), (_request, response) => void response.json({}));
  const { url } = await kit.startServer(createServer(kit.serverOptions, app));
  return async (token, identity) => (await kit.mtlsRequest(url, { token, identity })).status;
}

const introspectionCount = () =>
  issuer.requests.filter((path) => path === issuer.introspectionEndpoint.pathname).length;

test("an opaque token is accepted only from its client", async () => {
  const status = await startApi(protectWithIntrospection());
  const token = await issuer.opaqueToken({ boundTo: client });
  expect(await status(token, client)).toBe(200);
  expect(await status(token, thief)).toBe(401);
});

test("each introspection is logged", async () => {
  const info = vi.fn<(event: unknown) => void>();
  const subscriber = watch({ info });
  const status = await startApi(protectWithIntrospection());
  await status(await issuer.opaqueToken({ boundTo: client }), client);
  unsubscribe("certbound:introspection", subscriber);
  const event = { issuer: issuer.issuer, outcome: "active", duration: expect.any(Number) };
  expect(info.mock.calls).toEqual([[event]]);
});

test("a revoked JWT is rejected if every token is introspected", async () => {
  const [always, never] = [await startApi(protectAlwaysIntrospecting()), await startApi(protectWithIntrospection())];
  const [good, revoked] = [await kit.accessToken({ boundTo: client }), await kit.accessToken({ boundTo: client })];
  issuer.revoke(revoked);
  expect(await always(good, client)).toBe(200);
  expect(await always(revoked, client)).toBe(401);
  expect(await never(revoked, client)).toBe(200);
});

test("a JWT without some claims is accepted only if it is introspected, and only from its client", async () => {
  const [introspecting, verifying] = [
    await startApi(protectIntrospectingJwts()),
    await startApi(protectWithIntrospection()),
  ];
  const lightweight = await kit.accessToken({ claims: { aud: undefined, scope: undefined } });
  issuer.introspectAs(lightweight, {
    active: true,
    aud: issuer.audience,
    cnf: { "x5t#S256": client.thumbprint },
  });
  expect(await introspecting(lightweight, client)).toBe(200);
  expect(await introspecting(lightweight, thief)).toBe(401);
  expect(await verifying(lightweight, client)).toBe(401);
});

test("a fleet introspects once, and compares the certificate for every request", async () => {
  // On a loaded machine, the shared cache can need more than the 250 ms that an API waits for it.
  const { setTimeout: startTimer } = globalThis;
  vi.stubGlobal("setTimeout", (callback: () => void, delay = 0) => startTimer(callback, delay * 40));
  onTestFinished(() => void vi.unstubAllGlobals());
  const cache = new Keyv();
  const store = vi.spyOn(cache, "set");
  const [firstProcess, secondProcess, otherApiStatus] = [
    await startApi(protectFleet(cache)),
    await startApi(protectFleet(cache)),
    await startApi(protectWithIntrospection()),
  ];
  const token = await issuer.opaqueToken({ boundTo: client });
  const before = introspectionCount();
  expect(await firstProcess(token, client)).toBe(200);
  // The request does not wait until the response is stored.
  await vi.waitUntil(() => store.mock.results[0]?.value as Promise<unknown> | undefined);
  expect(await secondProcess(token, client)).toBe(200);
  expect(await secondProcess(token, thief)).toBe(401);
  expect(introspectionCount() - before).toBe(1);
  expect(await otherApiStatus(token, client)).toBe(200);
  expect(introspectionCount() - before).toBe(2);
});

/** An issuer that authenticates its client by the certificate. */
const mtlsIssuer = createServer({ ...kit.serverOptions, rejectUnauthorized: true }, (request, response) => {
  const { subject } = (request.socket as TLSSocket).getPeerX509Certificate() ?? {};
  const isIntrospection = request.method === "POST";
  const metadata = { issuer: mtlsIssuerUrl, introspection_endpoint: `${mtlsIssuerUrl}/introspect` };
  const introspectionResponse = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } };
  const status = isIntrospection && subject !== "CN=accounts-api" ? 401 : 200;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(isIntrospection ? introspectionResponse : metadata));
});
const { url: mtlsIssuerUrl } = await kit.startServer(mtlsIssuer);
vi.stubEnv("ISSUER", mtlsIssuerUrl);
const { protectWithCertificate } = await import("./opaque-tokens-tls.ts");

test.each<[string, Identity, Identity, number]>([
  ["accepts the client of the token", api, client, 200],
  ["rejects another client", api, thief, 401],
  ["responds with 503 if the issuer rejects its certificate", otherApi, client, 503],
])("an API that introspects over mutual TLS %s", async (_case, { certificate: cert, key }, sender, expected) => {
  const { protect, agent } = protectWithCertificate({ cert, key, ca: kit.ca.certificate });
  const status = await startApi(protect);
  expect(await status("opaque", sender)).toBe(expected);
  await agent.destroy();
});
