import { createTestKit } from "@certbound/testing";
import { createServer } from "node:https";
import { createApp } from "./app.js";

let kit, url, client, thief, token;

beforeAll(async () => {
  kit = await createTestKit();
  ({ url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions))));
  client = await kit.issueClientCertificate();
  thief = await kit.issueClientCertificate();
  token = await kit.accessToken({ boundTo: client });
});
afterAll(() => kit.close());

test("accepts the client that the token is bound to", async () => {
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  expect(response.status).toBe(200);
});

test("rejects a thief with the same token", async () => {
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token });
  expect(response.status).toBe(401);
});
