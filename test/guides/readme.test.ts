// Runs the server of the README in a folder with a server certificate, with a real issuer, over real TLS.

import { createTestKit } from "@certbound/testing";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const kit = await createTestKit({ audience: "https://api.example.com" });
const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: client });

const original = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "certbound-readme-"));
let server: Server;
let url: string;

beforeAll(async () => {
  writeFileSync(join(folder, "server-key.pem"), kit.serverOptions.key, { mode: 0o600 });
  writeFileSync(join(folder, "server.pem"), kit.serverOptions.cert);
  process.chdir(folder);
  Object.assign(process.env, { ISSUER: kit.issuer.issuer, PORT: "0" });
  ({ server } = await import("../../examples/quick-start/server.ts"));
  if (!server.listening) await once(server, "listening");
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/accounts`;
});

afterAll(async () => {
  server.close();
  process.chdir(original);
  delete process.env["ISSUER"];
  delete process.env["PORT"];
  rmSync(folder, { recursive: true });
  await kit.close();
});

test("accepts the client that the token is bound to", async () => {
  const response = await kit.mtlsRequest(url, { identity: client, token });
  expect(response.status).toBe(200);
  expect(response.json()).toEqual({ client: "client-1" });
});

test.each([
  ["another client with the same token", { identity: thief }],
  ["a request without a certificate", {}],
])("rejects %s", async (_request, options) => {
  const response = await kit.mtlsRequest(url, { ...options, token });
  expect(response.status).toBe(401);
  expect(response.json()).toEqual({ message: "unauthorized" });
});
