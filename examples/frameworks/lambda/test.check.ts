import { createTestKit, forwardedHeaders, type Identity } from "@certbound/testing";
import type { ALBEvent } from "aws-lambda";
import assert from "node:assert/strict";
import { after, test } from "node:test";

const kit = await createTestKit();
after(kit.close);
Object.assign(process.env, { CERTBOUND_ISSUER: kit.issuer.issuer, CERTBOUND_AUDIENCE: kit.issuer.audience });
const { handler } = await import("./load-balancer.js"); // after the variables are set

/** Returns an event of the load balancer for a client that presents a certificate. */
function eventFor(identity: Identity, token: string): ALBEvent {
  const headers = { authorization: `Bearer ${token}`, ...forwardedHeaders("awsAlb", identity) };
  const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return { httpMethod: "GET", path: "/accounts", multiValueHeaders } as unknown as ALBEvent;
}

test("accepts the client, and rejects a thief", async () => {
  const [client, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
  const token = await kit.accessToken({ boundTo: client });
  assert.equal((await handler(eventFor(client, token))).statusCode, 200);
  assert.equal((await handler(eventFor(thief, token))).statusCode, 401);
});
