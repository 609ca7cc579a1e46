import type { ApiName, Callback } from "./api-process.ts";
import { type Clients, withClients } from "./clients.ts";
import { accepted, challenged, type Expected, failed, rejected } from "./expectations.ts";
import { leaveInTurn, openTls } from "./raw-connection.ts";
import type { Stage } from "./stage.ts";
import { targetOf, wholeRequest } from "./target.ts";

/** What becomes of a request when the callback has settled at last: a resolver has found nothing, `authorize` agrees. */
const settledAs: Readonly<Record<Callback, Expected>> = {
  certificateResolver: rejected,
  tokenResolver: challenged,
  authorize: accepted,
};

const callbacks = Object.keys(settledAs) as readonly Callback[];
/** Callbacks that settle when most of the clients have gone. */
export async function slowCallbacks(stage: Stage, api: ApiName): Promise<void> {
  const token = await stage.parties.token();
  const settling = callbacks.map((callback) =>
    withClients(stage, api, (clients) => settledLate(stage, { api, callback, token }, clients)),
  );
  await Promise.all(settling);
}

/** Callbacks that never settle: 5 s pass here, and nowhere else. */
export async function hangingCallbacks(stage: Stage, api: ApiName): Promise<void> {
  const token = await stage.parties.token();
  const hanging = callbacks.map((callback) =>
    withClients(stage, api, ({ client }) => client({ path: `/never/${callback}`, token, expected: failed })),
  );
  await Promise.all(hanging);
}

interface Slow {
  readonly api: ApiName;
  readonly callback: Callback;
  readonly token: string;
}

async function settledLate(stage: Stage, { api, callback, token }: Slow, clients: Clients): Promise<void> {
  const { process } = stage;
  const path = `/slow/${callback}`;
  const target = targetOf(stage, api);
  const connections = await Promise.all(Array.from({ length: 4 }, () => openTls(target)));
  await Promise.all(connections.map((connection) => connection.send(wholeRequest(target, { path, token }))));
  await process.waiting(api, callback, connections.length);
  await leaveInTurn(connections);
  const stays = clients.client({ path, token, expected: settledAs[callback] });
  stays.catch(() => {});
  await process.waiting(api, callback, connections.length + 1);
  await process.settle(api, callback);
  await stays;
  await clients.client({ path, token, expected: settledAs[callback] });
}
