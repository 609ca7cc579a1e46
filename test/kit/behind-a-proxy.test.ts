import { fromProxy, nginx } from "@certbound/express";
import { createTestKit, forwardedHeaders, type Identity } from "@certbound/testing";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, expect, test } from "vitest";
import { createApp } from "./app.js";

const kit = await createTestKit();
afterAll(kit.close);
const secret = { header: "x-proxy-secret", value: randomUUID() };
const certificateResolver = fromProxy(nginx(), { trust: { secret } });
const { url } = await kit.startServer(createServer(createApp({ ...kit.verifierOptions, certificateResolver })));
const client = await kit.issueClientCertificate();
const token = await kit.accessToken({ boundTo: client });

/** Sends the request that nginx would forward for this client, and returns the status. */
async function statusFor(identity: Identity | null): Promise<number> {
  const forwarded = { ...forwardedHeaders("nginx", identity), [secret.header]: secret.value };
  const headers = { ...forwarded, authorization: `Bearer ${token}` };
  return (await fetch(`${url}/accounts`, { headers })).status;
}

test("accepts the client that the token is bound to", async () => {
  expect(await statusFor(client)).toBe(200);
});

test.each([
  ["another client", await kit.issueClientCertificate()],
  ["a client without a certificate", null],
])("rejects %s with the same token", async (_, identity) => {
  expect(await statusFor(identity)).toBe(401);
});
