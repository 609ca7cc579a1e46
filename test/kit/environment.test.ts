// #region environment
import { createTestKit } from "@certbound/testing";
import { createServer } from "node:https";
import { afterAll, expect, test, vi } from "vitest";

const kit = await createTestKit();
afterAll(kit.close);
vi.stubEnv("CERTBOUND_ISSUER", kit.issuer.issuer);
vi.stubEnv("CERTBOUND_AUDIENCE", kit.issuer.audience);
vi.stubEnv("CERTBOUND_JWKS_URI", String(kit.issuer.jwksUri));
const { app } = await import("./environment-app.js"); // not an import declaration: it would run first

const { url } = await kit.startServer(createServer(kit.serverOptions, app));
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];

test("accepts the client that the token is bound to", async () => {
  const token = await kit.accessToken({ boundTo: client });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  expect(response.status).toBe(200);
});

test("rejects another client with the same token", async () => {
  const token = await kit.accessToken({ boundTo: client });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token });
  expect(response.status).toBe(401);
});

test("rejects an expired token", async () => {
  const token = await kit.accessToken({ boundTo: client, expiresIn: -60 });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  expect(response.status).toBe(401);
});
// #endregion

test("fetches the keys from CERTBOUND_JWKS_URI, without the issuer's metadata", () => {
  expect(kit.issuer.requests).toEqual(["/jwks"]);
});

test("requires the variables before the app is imported", async () => {
  vi.unstubAllEnvs();
  vi.resetModules();
  await expect(import("./environment-app.js")).rejects.toThrow("CERTBOUND_ISSUER");
});
