import { createTestKit } from "@certbound/testing";
import assert from "node:assert/strict";
import { after, test } from "node:test";

const kit = await createTestKit();
after(kit.close);
Object.assign(process.env, {
  CERTBOUND_ISSUER: kit.issuer.issuer,
  CERTBOUND_AUDIENCE: kit.issuer.audience,
  SERVER_KEY: kit.serverOptions.key,
  SERVER_CERTIFICATE: kit.serverOptions.cert,
});
const { app } = await import("./express.js"); // after the variables are set
await app.init();
const { url } = await kit.startServer(app.getHttpServer());

test("accepts the client, and rejects a thief", async () => {
  const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
  const token = await kit.accessToken({ boundTo: client });
  const responses = [client, thief].map((identity) => kit.mtlsRequest(`${url}/accounts`, { identity, token }));
  assert.deepEqual(
    (await Promise.all(responses)).map(({ status }) => status),
    [200, 401],
  );
});
