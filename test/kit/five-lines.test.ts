import { createTestKit } from "@certbound/testing";
import { createServer } from "node:https";
import { expect, test } from "vitest";
import { createApp } from "./app.js";

test("five lines set up an API, a client and a bound token", async () => {
  // #region five-lines
  const kit = await createTestKit();
  const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
  const client = await kit.issueClientCertificate();
  const token = await kit.accessToken({ boundTo: client });
  const response = await kit.mtlsRequest(`${url}/accounts`, { identity: client, token });
  // #endregion
  expect(response.status).toBe(200);
  expect((await kit.mtlsRequest(`${url}/accounts`, { token })).status).toBe(401);
  await kit.close();
});
