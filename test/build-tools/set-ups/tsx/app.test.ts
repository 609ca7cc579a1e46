import { createTestKit, type Identity, type TestKit } from "@certbound/testing";
import assert from "node:assert/strict";
import { createServer } from "node:https";
import { after, before, test } from "node:test";
import { createApp } from "./app.ts";

let kit: TestKit, url: string, client: Identity, thief: Identity, token: string;

before(async () => {
  kit = await createTestKit();
  ({ url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions))));
  client = await kit.issueClientCertificate();
  thief = await kit.issueClientCertificate();
  token = await kit.accessToken({ boundTo: client });
});
after(() => kit.close());

test("accepts the client that the token is bound to", async () => {
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  assert.equal(response.status, 200);
});

test("rejects a thief with the same token", async () => {
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token });
  assert.equal(response.status, 401);
});
