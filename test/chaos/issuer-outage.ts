import { expect } from "vitest";
import type { ApiName } from "./api-process.ts";
import type { Clients } from "./clients.ts";
import { accepted, challenged, rejected, unavailable } from "./expectations.ts";
import { leaveInTurn, openTls } from "./raw-connection.ts";
import type { Stage } from "./stage.ts";
import { targetOf, wholeRequest } from "./target.ts";

const path = "/remote";
const COOL_DOWN = 11_000;
const LONGEST_BACK_OFF = 31_000;

/** Most clients disconnect while their requests wait for the first response of the key endpoint. */
export async function slowKeys(stage: Stage, api: ApiName, clients: Clients): Promise<void> {
  const { parties, keyEndpoints } = stage;
  const endpoint = keyEndpoints[api];
  const token = await parties.token();
  const target = targetOf(stage, api);
  // Connects every client before the first request, because certbound waits at most 5 s for keys.
  await clients.all();
  const connections = await Promise.all(Array.from({ length: 8 }, () => openTls(target)));
  await Promise.all(connections.map(({ send }) => send(wholeRequest(target, { path, token }))));
  const pending = clients.client({ path, token, expected: accepted });
  pending.catch(() => {});
  await endpoint.waiting();
  // These requests are rejected without a key.
  await clients.thief({ path, token, expected: rejected });
  await clients.thief({ path, expected: challenged });
  await leaveInTurn(connections);
  endpoint.publish(parties.issuer.jwks.keys);
  await pending;
  expect(endpoint.requestCount()).toBe(1);
}

/** The key endpoint becomes unavailable, and later returns with an additional key. */
export async function issuerOutage(stage: Stage, api: ApiName, clients: Clients): Promise<void> {
  const { parties, process, keyEndpoints, newKey } = stage;
  const endpoint = keyEndpoints[api];
  endpoint.stop();
  await process.advance(COOL_DOWN);
  const { headers } = await clients.client({ path, token: newKey.token, expected: unavailable });
  expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
  await clients.thief({ path, token: newKey.token, expected: rejected });
  await clients.all(path);

  endpoint.publish([...parties.issuer.jwks.keys, newKey.key]);
  await process.advance(LONGEST_BACK_OFF);
  await clients.client({ path, token: newKey.token, expected: accepted });
  await clients.thief({ path, token: newKey.token, expected: rejected });
  await clients.all(path);
}
