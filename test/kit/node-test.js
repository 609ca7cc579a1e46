import { createTestKit } from "@certbound/testing";
import assert from "node:assert/strict";
import { createServer } from "node:https";
import { after, test } from "node:test";
import { createApp } from "./app.js";

const kit = await createTestKit();
after(kit.close);
const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: client });

test("accepts the client that the token is bound to", async () => {
  const fetch = kit.mtlsFetch({ identity: client, token });
  const response = await fetch(`${url}/accounts`);
  assert.deepEqual(await response.json(), { client: "client-1" });
});

test("rejects another client with the same token", async () => {
  const fetch = kit.mtlsFetch({ identity: thief, token });
  assert.equal((await fetch(`${url}/accounts`)).status, 401);
});
