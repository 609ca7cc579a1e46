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

/** The first public key of an issuer, as a PEM, which has no kid. */
function pemOf({ jwks }: typeof issuer): string {
  const [key = {}] = jwks.keys;
  return createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" }).toString();
}

/** Gives the status of an API that verifies tokens with a PEM. */
async function startApi(pem: string) {
  const app = express().get("/", protectWith(pem, issuer)(), (_request, response) => void response.json({}));
  const { url } = await kit.startServer(createServer(kit.serverOptions, app));
  return async (token: string, identity = client) => (await kit.mtlsRequest(url, { token, identity })).status;
}

test("a PEM verifies tokens with a kid and without one, from their client only", async () => {
  const status = await startApi(pemOf(issuer));
  const [named, unnamed] = await Promise.all([
    kit.accessToken({ boundTo: client }),
    kit.accessToken({ boundTo: client, header: { kid: undefined } }),
  ]);
  expect([await status(named), await status(unnamed)]).toEqual([200, 200]);
  expect(await status(named, thief)).toBe(401);
});

test("the PEM of another issuer verifies none of them", async () => {
  const status = await startApi(pemOf(other.issuer));
  expect(await status(await kit.accessToken({ boundTo: client }))).toBe(401);
});
