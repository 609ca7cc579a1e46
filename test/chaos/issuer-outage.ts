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

/** An issuer that lets everybody wait for its keys at first, while most of the clients go. */
export async function slowKeys(stage: Stage, api: ApiName, clients: Clients): Promise<void> {
  const { parties, keyEndpoints } = stage;
  const endpoint = keyEndpoints[api];
  const token = await parties.token();
  const target = targetOf(stage, api);
  // Everybody is connected before anybody waits, since the keys are waited for no longer than 5 s.
  await clients.all();
  const connections = await Promise.all(Array.from({ length: 8 }, () => openTls(target)));
  await Promise.all(connections.map(({ send }) => send(wholeRequest(target, { path, token }))));
  const stays = clients.client({ path, token, expected: accepted });
  stays.catch(() => {});
  await endpoint.held();
  // What is known without a key is told without one.
  await clients.thief({ path, token, expected: rejected });
  await clients.thief({ path, expected: challenged });
  await leaveInTurn(connections);
  endpoint.publish(parties.issuer.jwks.keys);
  await stays;
  expect(endpoint.asked()).toBe(1);
}

/** An issuer that goes away, has a new key meanwhile, and comes back. */
export async function issuerOutage(stage: Stage, api: ApiName, clients: Clients): Promise<void> {
  const { parties, process, keyEndpoints, newKey } = stage;
  const endpoint = keyEndpoints[api];
  endpoint.goAway();
  await process.pass(COOL_DOWN);
  const { headers } = await clients.client({ path, token: newKey.token, expected: unavailable });
  expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
  await clients.thief({ path, token: newKey.token, expected: rejected });
  await clients.all(path);

  endpoint.publish([...parties.issuer.jwks.keys, newKey.key]);
  await process.pass(LONGEST_BACK_OFF);
  await clients.client({ path, token: newKey.token, expected: accepted });
  await clients.thief({ path, token: newKey.token, expected: rejected });
  await clients.all(path);
}
