import { createTestKit } from "@certbound/testing";
import { createServer } from "node:https";
import { afterAll, expect, test } from "vitest";
import { createApp } from "./app.js";

const kit = await createTestKit();
afterAll(kit.close);
const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];

test("accepts the client that the token is bound to", async () => {
  const token = await kit.accessToken({ boundTo: client });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  expect(response.json()).toEqual({ client: "client-1" });
});

test("rejects another client with the same token", async () => {
  const token = await kit.accessToken({ boundTo: client });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: thief, token });
  expect(response.status).toBe(401);
});

test("rejects a token that has expired", async () => {
  const token = await kit.accessToken({ boundTo: client });
  kit.clock.advance({ minutes: 10 });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  expect(response.status).toBe(401);
});
