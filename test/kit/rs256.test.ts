import { createTestKit, type Identity, type TestKit } from "@certbound/testing";
import express, { type ErrorRequestHandler, type Express } from "express";
import { auth } from "express-oauth2-jwt-bearer";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, expect, test } from "vitest";

/** Creates an API whose middleware accepts only RS256. */
function createApi({ issuer: { issuer, audience } }: TestKit): Express {
  const app = express();
  app.use(
    auth({
      issuerBaseURL: issuer,
      audience,
      tokenSigningAlg: "RS256",
      mtls: { enabled: true, required: true },
      getCertificate: (request) => (request.socket as TLSSocket).getPeerX509Certificate()?.raw,
    }),
  );
  app.get("/accounts", (_request, response) => void response.json({}));
  app.use(((error, _request, response, _next) => void response.status(error.status).json({})) as ErrorRequestHandler);
  return app;
}

// #region rs256
const kit = await createTestKit({ algorithms: ["RS256"] });
// #endregion
const es256Kit = await createTestKit();
afterAll(() => Promise.all([kit.close(), es256Kit.close()]));

async function statusWith(testKit: TestKit, boundTo: Identity, presented = boundTo): Promise<number> {
  const { url } = await testKit.startServer(createServer(testKit.serverOptions, createApi(testKit)));
  const token = await testKit.accessToken({ boundTo });
  return (await testKit.mtlsRequest(`${url}/accounts`, { identity: presented, token })).status;
}

test("middleware that requires RS256 accepts the tokens of a kit with that algorithm", async () => {
  expect(await statusWith(kit, await kit.issueClientCertificate())).toBe(200);
});

test("middleware that requires RS256 rejects another client with such a token", async () => {
  expect(await statusWith(kit, await kit.issueClientCertificate(), await kit.issueClientCertificate())).toBe(401);
});

test("middleware that requires RS256 rejects the tokens of a kit with the default algorithm", async () => {
  expect(await statusWith(es256Kit, await es256Kit.issueClientCertificate())).toBe(401);
});
