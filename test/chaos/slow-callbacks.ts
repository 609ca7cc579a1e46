import type { ApiName, Callback } from "./api-process.ts";
import { type Clients, withClients } from "./clients.ts";
import { accepted, challenged, type Expected, failed, rejected } from "./expectations.ts";
import { leaveInTurn, openTls } from "./raw-connection.ts";
import type { Stage } from "./stage.ts";
import { targetOf, wholeRequest } from "./target.ts";

/** The response after the callback has settled: a resolver returned null, `authorize` returned true. */
const responsesAfterSettling: Readonly<Record<Callback, Expected>> = {
  certificateResolver: rejected,
  tokenResolver: challenged,
  authorize: accepted,
};

const callbacks = Object.keys(responsesAfterSettling) as readonly Callback[];
/** The callbacks settle after most clients have disconnected. */
export async function slowCallbacks(stage: Stage, api: ApiName): Promise<void> {
  const token = await stage.parties.token();
  const runs = callbacks.map((callback) =>
    withClients(stage, api, (clients) => settleLate(stage, { api, callback, token }, clients)),
  );
  await Promise.all(runs);
}

/** The callbacks never settle. Takes 5 s, the timeout of callbacks. */
export async function hangingCallbacks(stage: Stage, api: ApiName): Promise<void> {
  const token = await stage.parties.token();
  const requests = callbacks.map((callback) =>
    withClients(stage, api, ({ client }) => client({ path: `/never/${callback}`, token, expected: failed })),
  );
  await Promise.all(requests);
}

interface SlowCallback {
  readonly api: ApiName;
  readonly callback: Callback;
  readonly token: string;
}

async function settleLate(stage: Stage, { api, callback, token }: SlowCallback, clients: Clients): Promise<void> {
  const { process } = stage;
  const path = `/slow/${callback}`;
  const target = targetOf(stage, api);
  const connections = await Promise.all(Array.from({ length: 4 }, () => openTls(target)));
  await Promise.all(connections.map((connection) => connection.send(wholeRequest(target, { path, token }))));
  await process.waiting(api, callback, connections.length);
  await leaveInTurn(connections);
  const pending = clients.client({ path, token, expected: responsesAfterSettling[callback] });
  pending.catch(() => {});
  await process.waiting(api, callback, connections.length + 1);
  await process.settle(api, callback);
  await pending;
  await clients.client({ path, token, expected: responsesAfterSettling[callback] });
}
