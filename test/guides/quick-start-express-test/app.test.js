import { createTestKit } from "@certbound/testing";
import { createServer } from "node:https";
import { afterAll, expect, test } from "vitest";
import { createApp } from "./app.js";

const kit = await createTestKit();
afterAll(kit.close);
const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: client });

test("accepts the client that the token is bound to", async () => {
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  expect(response.status).toBe(200);
  expect(response.json()).toEqual({ client: "client-1" });
});

test("rejects a thief with the same token", async () => {
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token });
  expect(response.status).toBe(401);
});
