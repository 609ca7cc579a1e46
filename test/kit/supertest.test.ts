import { createTestKit, type Identity } from "@certbound/testing";
import { createServer } from "node:https";
import supertest from "supertest";
import { afterAll, expect, test } from "vitest";
import { createApp } from "./app.js";

const kit = await createTestKit();
afterAll(kit.close);
const { url } = await kit.startServer(createServer(kit.serverOptions, createApp(kit.verifierOptions)));
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: client });

const get = (path: string, { certificate, key }: Identity) =>
  supertest(url).get(path).ca(kit.ca.certificate).cert(certificate).key(key).auth(token, { type: "bearer" });

test("accepts the client that the token is bound to", async () => {
  const { body } = await get("/accounts", client).expect(200);
  expect(body).toEqual({ client: "client-1" });
});

test("rejects another client with the same token", async () => {
  const { headers } = await get("/accounts", thief).expect(401);
  expect(headers["www-authenticate"]).toContain("invalid_token");
});
