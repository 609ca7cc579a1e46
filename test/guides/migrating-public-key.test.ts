import { createPublicKey } from "node:crypto";
import { createServer } from "node:https";
import { createTestKit } from "@certbound/testing";
import express from "express";
import { afterAll, expect, test } from "vitest";
import { protectWith } from "./migrating-after.ts";

const kit = await createTestKit();
const other = await createTestKit();
afterAll(() => Promise.all([kit.close(), other.close()]));
const { issuer } = kit;
const [client, thief] = await Promise.all([kit.issueClientCertificate(), kit.issueClientCertificate()]);

/** Returns the first public key of an issuer as PEM, which has no kid. */
function pemOf({ jwks }: typeof issuer): string {
  const [key = {}] = jwks.keys;
  return createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" }).toString();
}

/** Starts an API that verifies tokens with a PEM key; returns a function that sends a token and returns the status. */
async function startApi(pem: string) {
  const app = express().get("/", protectWith(pem, issuer)(), (_request, response) => void response.json({}));
  const { url } = await kit.startServer(createServer(kit.serverOptions, app));
  return async (token: string, identity = client) => (await kit.mtlsRequest(url, { token, identity })).status;
}

test("a PEM key verifies tokens with and without a kid, only from their client", async () => {
  const status = await startApi(pemOf(issuer));
  const [withKid, withoutKid] = await Promise.all([
    kit.accessToken({ boundTo: client }),
    kit.accessToken({ boundTo: client, header: { kid: undefined } }),
  ]);
  expect([await status(withKid), await status(withoutKid)]).toEqual([200, 200]);
  expect(await status(withKid, thief)).toBe(401);
});

test("the PEM key of another issuer verifies no token", async () => {
  const status = await startApi(pemOf(other.issuer));
  expect(await status(await kit.accessToken({ boundTo: client }))).toBe(401);
});
